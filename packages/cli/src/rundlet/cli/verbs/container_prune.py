"""`rundlet container prune`: remove containers that do not run (podman-container-prune(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="container prune",
    summary="Remove all non running containers",
    run="rundlet.cli.verbs.container_prune:run",
    options=(
        Option("filter", help="Provide filter values (e.g. 'label=<key>=<value>')", many=True),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    arguments=Arguments(maximum=0),
)


def run(context: Context, arguments: Parsed) -> int:
    """Ask, remove, and print the ids."""
    from ..asking import confirmed
    from ..pruning import containers

    warning = "This will remove all non running containers."
    if not arguments.flag("force") and not confirmed(context, warning):
        return 0
    for container in containers(context.engine, arguments.texts("filter")):
        context.print(container)
    return 0
