"""`rundlet restart`: stop containers and start them again (podman-restart(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import CIDFILE, FILTER, LATEST, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="restart",
    summary="Restart one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.restart:run",
    options=(
        Flag("all", "a", help="Restart all containers, also those that do not run"),
        CIDFILE,
        FILTER,
        LATEST,
        Flag("running", help="Restart only running containers"),
        TIME,
    ),
    arguments=Arguments(completes="containers"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Restart each and print its name."""
    from ..selecting import chosen, each
    from .stop import seconds

    containers = context.engine.containers
    timeout = seconds(arguments)

    if arguments.flag("running"):
        names = [row.id for row in containers.list() if row.status == "running"]
    else:
        names = chosen(context, arguments)
    return each(context, names, lambda name: containers.restart(name, timeout))
