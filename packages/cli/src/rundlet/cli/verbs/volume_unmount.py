"""`rundlet volume unmount`: undo `volume mount` (podman-volume-unmount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume unmount",
    summary="Unmount volume",
    usage="NAME",
    description="Unmounts a volume; it stays for as long as running containers use it.",
    run="rundlet.cli.verbs.volume_unmount:run",
    arguments=Arguments(minimum=1, maximum=1, completes="volumes"),
    examples=("rundlet volume unmount data",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Unmount, unless a running container needs the mount, and print the name."""
    from ..selecting import RUNNING

    engine = context.engine
    name = engine.volumes.get(arguments.arguments[0]).name
    users = (engine.containers.get(user).status for user in engine.volumes.users(name))
    if not any(status in RUNNING for status in users):
        engine.volumes.unmount(name)
    context.print(name)
    return 0
