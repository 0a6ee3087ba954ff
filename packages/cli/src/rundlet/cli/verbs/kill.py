"""`rundlet kill`: send a signal to containers (podman-kill(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import CIDFILE, LATEST, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="kill",
    summary="Kill one or more running containers with a specific signal",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.kill:run",
    options=(
        Flag("all", "a", help="Signal all running containers"),
        CIDFILE,
        LATEST,
        Option("signal", "s", help="Signal to send to the container", default="KILL"),
    ),
    arguments=Arguments(completes="running"),
    examples=("rundlet kill --signal TERM web",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Signal each and print its name."""
    from rundlet.core.format.signals import number

    from ..selecting import chosen, each

    signal = arguments.text("signal")
    number(signal)  # a wrong one is refused before any container is looked for
    names = chosen(context, arguments, statuses=RUNNING)
    containers = context.engine.containers
    return each(context, names, lambda name: containers.kill(name, signal))
