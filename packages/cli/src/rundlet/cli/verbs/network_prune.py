"""`rundlet network prune`: remove networks that no container uses (podman-network-prune(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network prune",
    summary="Prune unused networks",
    run="rundlet.cli.verbs.network_prune:run",
    options=(
        Option("filter", help="Provide filter values (e.g. 'label=<key>=<value>')", many=True),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    arguments=Arguments(maximum=0),
)


def run(context: Context, arguments: Parsed) -> int:
    """Ask, remove, and print the names."""
    from ..asking import confirmed
    from ..pruning import networks

    if not arguments.flag("force") and not confirmed(
        context, "This will remove all networks not used by at least one container."
    ):
        return 0
    for name in networks(context.engine, arguments.texts("filter")):
        context.print(name)
    return 0
