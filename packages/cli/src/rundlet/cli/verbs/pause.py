"""`rundlet pause`: freeze the processes of containers (podman-pause(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import CIDFILE, FILTER, LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="pause",
    summary="Pause all the processes in one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.pause:run",
    options=(Flag("all", "a", help="Pause all running containers"), CIDFILE, FILTER, LATEST),
    arguments=Arguments(completes="running"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Pause each and print its name."""
    from ..selecting import chosen, each

    names = chosen(context, arguments, statuses=("running",))
    return each(context, names, context.engine.containers.pause)
