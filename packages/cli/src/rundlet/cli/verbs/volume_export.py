"""`rundlet volume export`: a volume's content as a tar (podman-volume-export(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume export",
    summary="Export volumes",
    usage="[options] VOLUME",
    description="Writes the content of a volume as a tar.",
    run="rundlet.cli.verbs.volume_export:run",
    options=(
        Option("output", "o", help="Write to a specified file (default: stdout, redirected)",
               completes="files"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="volumes"),
    examples=("rundlet volume export -o data.tar data",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Write the archive."""
    from ..output_file import writing

    volumes = context.engine.volumes
    volume = volumes.get(arguments.arguments[0])
    with writing(context, arguments.text("output")) as out:
        warnings = volumes.export(volume.name, out)
    for warning in warnings:
        context.warn(warning)
    return 0
