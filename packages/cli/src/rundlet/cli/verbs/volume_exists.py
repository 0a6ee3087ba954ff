"""`rundlet volume exists`: exit code 0 if a volume exists (podman-volume-exists(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume exists",
    summary="Check if a volume exists",
    usage="VOLUME",
    run="rundlet.cli.verbs.volume_exists:run",
    arguments=Arguments(minimum=1, maximum=1, completes="volumes"),
    examples=("rundlet volume exists myvol",),
)


def run(context: Context, arguments: Parsed) -> int:
    """0 for yes, 1 for no."""
    return 0 if context.engine.volumes.exists(arguments.arguments[0]) else 1
