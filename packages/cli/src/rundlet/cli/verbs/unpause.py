"""`rundlet unpause`: let paused containers go on (podman-unpause(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import CIDFILE, FILTER, LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="unpause",
    summary="Unpause the processes in one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.unpause:run",
    options=(Flag("all", "a", help="Unpause all paused containers"), CIDFILE, FILTER, LATEST),
    arguments=Arguments(completes="paused"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Unpause each and print its name."""
    from ..selecting import chosen, each

    names = chosen(context, arguments, statuses=("paused",))
    return each(context, names, context.engine.containers.unpause)
