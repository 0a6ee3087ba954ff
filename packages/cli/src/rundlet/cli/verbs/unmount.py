"""`rundlet unmount`: undo `mount` (podman-unmount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="unmount",
    summary="Unmounts working container's root filesystem",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.unmount:run",
    options=(
        Flag("all", "a", help="Unmount all of the currently mounted containers"),
        Flag("force", "f", help="Force the complete unmount of the specified mounted containers"),
        LATEST,
    ),
    arguments=Arguments(completes="containers"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Unmount and print the names."""
    from ..selecting import chosen, each

    containers, force = context.engine.containers, arguments.flag("force")
    if arguments.flag("all"):
        names = [row.id for row, _ in containers.mounted()]
    else:
        names = chosen(context, arguments)
    return each(context, names, lambda name: containers.unmount(name, force=force))
