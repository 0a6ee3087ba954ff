"""`rundlet history`: the layers of an image and what made them (podman-history(1))."""

from __future__ import annotations

import time

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="history",
    summary="Show history of a specified image",
    usage="[options] IMAGE",
    run="rundlet.cli.verbs.history:run",
    options=(
        Option("format", help="Change the output to JSON or a Go template", kind="template"),
        Flag("human", "H", help="Display sizes and dates in human readable format", default=True),
        Flag("no-trunc", help="Do not truncate the output"),
        Flag("quiet", "q", help="Display the numeric IDs only"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="images"),
)

_TABLE = "table {{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"


def run(context: Context, arguments: Parsed) -> int:
    """Print the steps, newest first."""
    from rundlet.core.format.output import rows

    images = context.engine.images
    steps = images.history(images.get(arguments.arguments[0]))
    form = arguments.text("format") or _TABLE
    if form == "json":
        from rundlet.core.format.functions import as_json

        context.print(as_json([_document(step) for step in steps]))
        return 0
    if arguments.flag("quiet"):
        form = "{{.ID}}"
    found = [_fields(step, arguments) for step in steps]
    context.print(rows(found, form), end="")
    return 0


def _document(step: dict[str, Any]) -> dict[str, Any]:
    """podman's object: empty fields left out, the time under both its names."""
    wanted = ("id", "created", "CreatedBy", "tags", "size", "comment")
    found = {key: step[key] for key in wanted if step[key] or key in ("id", "size")}
    return {**found, "Created": step["created"]}


def _fields(step: dict[str, Any], arguments: Parsed) -> dict[str, Any]:
    from rundlet.core.format.moments import stamp
    from rundlet.core.format.times import from_rfc3339
    from rundlet.core.format.units import ago, size

    whole, human = arguments.flag("no-trunc"), arguments.flag("human")
    created = step["created"]
    moment = from_rfc3339(created)
    text = step["CreatedBy"]
    return {
        "ID": step["id"] if whole or step["id"] == "<missing>" else step["id"][:12],
        "Created": ago(moment, time.time_ns()) if human else created,
        "CreatedAt": stamp(moment),
        "CreatedSince": ago(moment, time.time_ns()),
        "CreatedBy": text if whole or len(text) <= 45 else text[:42] + "...",
        "Size": size(step["size"]) if human else str(step["size"]),
        "Comment": step["comment"],
        "Tags": step["tags"],
    }
