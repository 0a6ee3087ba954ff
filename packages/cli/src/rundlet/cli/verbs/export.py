"""`rundlet export`: a container's root file system as a tar (podman-export(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from ..output_file import writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="export",
    summary="Export container's filesystem contents as a tar archive",
    usage="[options] CONTAINER",
    description="Writes the root file system, without volumes, as a tar.",
    run="rundlet.cli.verbs.export:run",
    options=(
        Option("output", "o", help="Write to a specified file (default: stdout, redirected)",
               completes="files"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="containers"),
    examples=("rundlet export -o web.tar web",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Write the archive."""
    containers = context.engine.containers
    row = containers.get(arguments.arguments[0])
    with writing(context, arguments.text("output")) as out:
        warnings = containers.export(row.id, out)
    for warning in warnings:
        context.warn(warning)
    return 0
