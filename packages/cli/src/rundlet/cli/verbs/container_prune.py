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
    from ..listing.filters import containers
    from ..selecting import each

    warning = "This will remove all non running containers."
    if not arguments.flag("force") and not confirmed(context, warning):
        return 0
    engine = context.engine
    rows = [row for row in engine.containers.list() if row.status in ("created", "exited")]
    if arguments.texts("filter"):
        rows = containers(engine, rows, arguments.texts("filter"))
    return each(context, [row.id for row in rows], engine.containers.remove, ignore=True)
