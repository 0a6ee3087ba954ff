"""`rundlet volume prune`: remove volumes that no container uses (podman-volume-prune(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume prune",
    summary="Remove all unused volumes",
    description="Removes the volumes that no container uses, with all their data.",
    run="rundlet.cli.verbs.volume_prune:run",
    options=(
        Option("filter", help="Provide filter values (e.g. 'label=<key>=<value>')", many=True),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    arguments=Arguments(maximum=0),
)


def run(context: Context, arguments: Parsed) -> int:
    """Show, ask, remove, and print the names."""
    from ..asking import confirmed
    from ..pruning import unused_volumes, volumes

    filters = arguments.texts("filter")
    if not arguments.flag("force"):
        warning = "This will remove all volumes not used by at least one container."
        names = [volume.name for volume in unused_volumes(context.engine, filters)]
        if not names:
            context.print("No dangling volumes found")
            return 0
        listed = "\n".join((f"{warning} The following volumes will be removed:", *names))
        if not confirmed(context, listed):
            return 0
    for name in volumes(context.engine, filters):
        context.print(name)
    return 0
