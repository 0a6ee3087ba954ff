"""`rundlet volume prune`: remove volumes that no container uses (podman-volume-prune(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume prune",
    summary="Remove unused volumes",
    description="Removes the volumes that no container uses, with all their data: those without a"
    " name, and with --all the others too.",
    run="rundlet.cli.verbs.volume_prune:run",
    options=(
        Flag("all", "a", help="Remove all unused volumes, not just anonymous ones"),
        Flag("dry-run", help="Show what would be removed, and remove nothing"),
        Option("filter", help="Provide filter values (e.g. 'label=<key>=<value>')", many=True),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet volume prune", "rundlet volume prune --all --filter label!=keep"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Show, ask, remove, and print the names."""
    from ..asking import confirmed
    from ..pruning import unused_volumes, volumes

    filters, everything = arguments.texts("filter"), arguments.flag("all")
    unused = unused_volumes(context.engine, filters, everything=everything)
    names = [volume.name for volume in unused]
    if arguments.flag("dry-run"):
        for name in names:
            context.print(name)
        return 0
    if not arguments.flag("force"):
        which = "all" if everything else "all anonymous"
        warning = f"This will remove {which} volumes not used by at least one container."
        if not names:
            context.print(f"No dangling {'' if everything else 'anonymous '}volumes found")
            return 0
        listed = "\n".join((f"{warning} The following volumes will be removed:", *names))
        if not confirmed(context, listed):
            return 0
    for name in volumes(context.engine, filters, everything=everything):
        context.print(name)
    return 0
