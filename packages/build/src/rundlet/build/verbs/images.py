"""`rundlet-build images`: list images as buildah does (buildah-images(1))."""

from __future__ import annotations

import time

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.images.summary import ImageSummary

VERB = Verb(
    name="images",
    summary="List images in local storage",
    usage="[options] [IMAGE]",
    run="rundlet.build.verbs.images:run",
    options=(
        Flag("all", "a", "Show all images, including intermediate images from a build"),
        Flag("digests", help="Show digests"),
        Option("filter", "f", help="Filter by before=, dangling=, label=, readonly=, reference=,"
               " since=", many=True, split=True),
        Option("format", help="Pretty-print images using a Go template"),
        Flag("history", help="Display the names that the images have, and have had"),
        Flag("json", help="Output in JSON format"),
        Flag("no-trunc", help="Do not truncate output"),
        Flag("noheading", "n", "Do not print column headings"),
        Flag("quiet", "q", "Display only image IDs"),
    ),
    arguments=Arguments(maximum=1, completes="images"),
    examples=("rundlet-build images --format '{{.ID}} {{.Name}} {{.Size}}'",),
)  # fmt: skip

_NONE = "<none>"
_GAP = "   "  # between columns, where podman has two spaces


def run(context: Context, arguments: Parsed) -> int:
    """Print the list; one name's image when IMAGE is given."""
    from rundlet.core.errors import NoSuchImage

    rows: Sequence[ImageSummary] = context.engine.images.list()
    if arguments.arguments:
        wanted = context.engine.images.named(arguments.arguments[0])
        if wanted is None:
            raise NoSuchImage(arguments.arguments[0])
        rows = [row for row in rows if row.id == wanted.id]
    if arguments.texts("filter"):
        from .filters import filtered

        rows = filtered(context.engine, rows, arguments.texts("filter"))
    if arguments.flag("json"):
        from rundlet.core.format.output import pretty

        context.print(pretty([_object(row, arguments.flag("no-trunc")) for row in rows]))
        return 0
    lines = [line for row in rows for line in _lines(row, arguments.flag("no-trunc"))]
    if arguments.text("format"):
        from rundlet.core.format.output import rows as formatted

        context.print(formatted(lines, arguments.text("format")), end="")
    elif arguments.flag("quiet"):
        context.print(
            "".join(f"{x}\n" for x in dict.fromkeys(line["ID"] for line in lines)), end=""
        )
    else:
        context.print(_table(lines, arguments), end="")
    return 0


def _lines(row: ImageSummary, whole: bool) -> Iterator[dict[str, Any]]:
    """What a template may name, for each name of an image."""
    from rundlet.core.format.units import ago, size

    for full in row.names or (f"{_NONE}:{_NONE}",):
        name, _, tag = full.rpartition(":")
        yield {
            "Name": name,
            "Tag": tag,
            "ID": row.id if whole else row.id[:12],
            "Digest": row.digest,
            "CreatedAt": ago(row.created, time.time_ns()),
            "CreatedAtRaw": row.created // 1_000_000_000,
            "Size": size(row.size),
            "ReadOnly": False,
            "History": ", ".join(row.history),
        }


def _table(lines: list[dict[str, Any]], arguments: Parsed) -> str:
    columns = ["Name", "Tag", "Digest", "ID", "CreatedAt", "Size"]
    titles = ["REPOSITORY", "TAG", "DIGEST", "IMAGE ID", "CREATED", "SIZE"]
    if arguments.flag("history"):
        columns, titles = [*columns, "History"], [*titles, "HISTORY"]
    if not arguments.flag("digests"):
        del columns[2], titles[2]
    cells = [[str(line[column]) for column in columns] for line in lines]
    if not arguments.flag("noheading"):
        cells.insert(0, titles)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in cells
    )


def _object(row: ImageSummary, whole: bool) -> dict[str, Any]:
    first = next(_lines(row, whole))
    return {
        "id": first["ID"],
        "names": list(row.names) or None,
        "digest": row.digest,
        "createdat": first["CreatedAt"],
        "size": first["Size"],
        "created": first["CreatedAtRaw"],
        "readonly": False,
        "history": None,
    }
