"""`rundlet stop`: stop containers (podman-stop(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import CIDFILE, FILTER, LATEST, RUNNING, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="stop",
    summary="Stop one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Sends the stop signal, and SIGKILL to what still runs after a time.",
    run="rundlet.cli.verbs.stop:run",
    options=(
        Flag("all", "a", help="Stop all running containers"),
        CIDFILE,
        FILTER,
        Flag("ignore", "i", help="Ignore errors when a specified container is missing"),
        LATEST,
        TIME,
    ),
    arguments=Arguments(completes="running"),
    examples=("rundlet stop web", "rundlet stop -t 0 -a"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Stop each and print its name."""
    from ..selecting import chosen, each

    ignore = arguments.flag("ignore")
    names = chosen(context, arguments, statuses=RUNNING, whole=not ignore)
    timeout = seconds(arguments)
    containers = context.engine.containers
    return each(context, names, lambda name: containers.stop(name, timeout), ignore=ignore)


def seconds(arguments: Parsed) -> float | None:
    """--time: None is the container's own; negative waits for ever."""
    given = arguments.number("time")
    if given is None:
        return None
    return float("inf") if given < 0 else float(given)
