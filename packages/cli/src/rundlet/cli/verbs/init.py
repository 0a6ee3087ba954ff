"""`rundlet init`: make containers ready to be started (podman-init(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="init",
    summary="Initialize one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Creates one or more containers in their runtime: mounts, network, cgroup and"
    " namespaces are there, the process is not started. A start then only starts it.",
    run="rundlet.cli.verbs.init:run",
    options=(Flag("all", "a", help="Initialize all containers"), LATEST),
    arguments=Arguments(completes="created"),
    examples=("rundlet init web",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Initialize each and print its name."""
    from ..selecting import chosen, each

    names = chosen(context, arguments, statuses=("created", "exited"))
    return each(context, names, context.engine.containers.init)
