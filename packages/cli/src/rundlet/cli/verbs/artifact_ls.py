"""`rundlet artifact ls`: list artifacts (podman-artifact-ls(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.artifacts.store import Artifact
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact ls",
    summary="List OCI artifacts",
    description="List the artifacts of the local store.",
    run="rundlet.cli.verbs.artifact_ls:run",
    options=(
        Option("format", help="Format output using a Go template or json", kind="template"),
        Flag("no-trunc", help="Do not truncate digests"),
        Flag("noheading", "n", help="Do not print column headings"),
        Flag("quiet", "q", help="Print digests only"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet artifact ls", "rundlet artifact ls --format '{{.Digest}} {{.Size}}'"),
)

_TABLE = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.Created}}\t{{.Size}}"
_SHORT = 12


def run(context: Context, arguments: Parsed) -> int:
    """Print them by name."""
    import time

    from rundlet.core.format.output import rows

    now, long = time.time_ns(), arguments.flag("no-trunc")
    found = [_row(artifact, now, long) for artifact in context.engine.artifacts.list()]
    form = arguments.text("format") or ("{{.Digest}}" if arguments.flag("quiet") else _TABLE)
    context.print(rows(found, form, heading=not arguments.flag("noheading")), end="")
    return 0


def _row(artifact: Artifact, now: int, long: bool) -> dict[str, Any]:
    from rundlet.core.format.times import from_rfc3339
    from rundlet.core.format.units import ago, size
    from rundlet.core.images.reference import parse

    named = parse(artifact.name)
    try:
        created = from_rfc3339(artifact.created)
    except ValueError:  # what a registry's artifact says of itself may be anything
        created = 0
    digest = artifact.digest.partition(":")[2]
    return {
        "Repository": named.repository,
        "Tag": named.tag,
        "Digest": digest if long else digest[:_SHORT],
        "Created": ago(created, now) if created else "",
        "CreatedAt": artifact.created,
        "Size": size(artifact.size, 4).replace(" ", ""),
        "VirtualSize": artifact.size,
    }
