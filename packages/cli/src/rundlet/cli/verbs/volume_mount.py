"""`rundlet volume mount`: mount a volume for the host (podman-volume-mount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume mount",
    summary="Mount volume",
    usage="NAME",
    description="Mounts a volume and prints where.",
    run="rundlet.cli.verbs.volume_mount:run",
    arguments=Arguments(minimum=1, maximum=1, completes="volumes"),
    examples=("rundlet volume mount data",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Mount, and print the directory."""
    volumes = context.engine.volumes
    context.print(volumes.mount(volumes.get(arguments.arguments[0]).name))
    return 0
