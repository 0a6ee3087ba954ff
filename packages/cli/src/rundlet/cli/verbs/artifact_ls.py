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

    from rundlet.core.errors import UsageError
    from rundlet.core.format.output import pretty, rows

    form, now = arguments.text("format"), time.time_ns()
    if form and arguments.flag("quiet"):
        raise UsageError("quiet and format flags cannot be used together")
    cut = None if arguments.flag("no-trunc") else _SHORT
    artifacts = context.engine.artifacts.list()
    if form == "json":
        context.print(pretty([_document(artifact, cut) for artifact in artifacts]))
        return 0
    found = [_row(artifact, now, cut) for artifact in artifacts]
    form = form or ("{{.Digest}}" if arguments.flag("quiet") else _TABLE)
    context.print(rows(found, form, heading=not arguments.flag("noheading")), end="")
    return 0


def _row(artifact: Artifact, now: int, cut: int | None) -> dict[str, Any]:
    """What a template may name. cut: how much of the digest."""
    from rundlet.core.format.moments import stamp
    from rundlet.core.format.units import ago, size
    from rundlet.core.images.reference import parse

    named, created = parse(artifact.name), _created(artifact)
    return {
        "Repository": named.repository,
        "Tag": named.tag,
        "Digest": artifact.digest.partition(":")[2][:cut],
        "Created": ago(created, now) if created else "",
        "CreatedAt": stamp(created) if created else "",
        "Size": size(artifact.size, 4).replace(" ", ""),
        "VirtualSize": str(artifact.size),
    }


def _document(artifact: Artifact, cut: int | None) -> dict[str, Any]:
    """One element of `--format json`: podman's keys, the size in bytes."""
    from rundlet.core.format.times import rfc3339
    from rundlet.core.images.reference import parse

    named = parse(artifact.name)
    return {
        "Repository": named.repository,
        "CreatedAt": rfc3339(_created(artifact)),
        "Size": artifact.size,
        "Tag": named.tag,
        "Digest": artifact.digest.partition(":")[2][:cut],
    }


def _created(artifact: Artifact) -> int:
    """Nanoseconds since the epoch, 0 where the artifact does not say."""
    from rundlet.core.format.times import from_rfc3339

    try:
        return from_rfc3339(artifact.created)
    except ValueError:  # what a registry's artifact says of itself may be anything
        return 0
