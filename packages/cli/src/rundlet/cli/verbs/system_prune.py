"""`rundlet system prune`: remove all that nothing needs (podman-system-prune(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="system prune",
    summary="Remove unused data",
    description="Removes stopped containers, networks and dangling images that nothing uses;"
    " with options also all unused images, and volumes. Artifacts stay; what killed commands left"
    " of some goes, and what pulls that were interrupted have fetched.",
    run="rundlet.cli.verbs.system_prune:run",
    options=(
        Flag("all", "a", help="Remove all unused images, not just dangling ones"),
        Flag("build", help="Remove containers that killed builds left"),
        Flag("external", help="Remove only what killed commands left, and nothing of a user's"),
        Option("filter", help="Provide filter values (e.g. 'label=<key>=<value>')", many=True),
        Flag("force", "f", help="Do not prompt for confirmation"),
        Flag("volumes", help="Prune volumes"),
    ),
    arguments=Arguments(maximum=0),
    examples=(
        "rundlet system prune",
        "rundlet system prune -f --filter until=24h",
    ),
)


def run(context: Context, arguments: Parsed) -> int:
    """Ask, remove, and print what went and how much space it took."""
    from rundlet.core.errors import InvalidArgument, UsageError
    from rundlet.core.system.builds import sweep

    from .. import pruning
    from ..asking import confirmed
    from ..listing.filters import split
    from ..listing.usage import short

    engine, filters = context.engine, arguments.texts("filter")
    for key in split(filters):  # those that each kind of thing has; before any is removed
        if key not in ("label", "label!", "until"):
            raise InvalidArgument(f"{key} is an invalid filter")
    if arguments.flag("external"):
        if arguments.flag("all") or filters:
            raise UsageError("the --external option cannot be combined with --all or --filter")
        pruning.leftovers(engine)
        return 0
    if not arguments.flag("force") and not confirmed(context, _warning(arguments)):
        return 0
    before = _size(context)
    removed = {"Containers": list(pruning.containers(engine, filters))}
    if arguments.flag("build"):
        removed["Containers"] += sweep(engine)
    removed["Networks"] = list(pruning.networks(engine, filters))
    if arguments.flag("volumes"):
        removed["Volumes"] = list(pruning.volumes(engine, filters, everything=True))
    everything = arguments.flag("all")
    removed["Images"] = list(pruning.images(engine, filters, everything=everything))
    engine.artifacts.sweep()
    for kind, names in removed.items():
        if names:
            context.print("\n".join((f"Deleted {kind}", *names)))
    freed = max(0, before - _size(context))
    context.print(f"Total reclaimed space: {short(freed)}")
    return 0


def _size(context: Context) -> int:
    from rundlet.core.system import usage

    engine = context.engine
    written = sum(one.size for one in usage.containers(engine))
    volumes = sum(one.size for one in usage.volumes(engine))
    images = usage.layers(engine) + usage.unfinished(engine)
    return images + written + volumes + engine.artifacts.used()


def _warning(arguments: Parsed) -> str:
    lines = ["all stopped containers", "all networks not used by at least one container"]
    if arguments.flag("volumes"):
        lines.append("all volumes not used by at least one container")
    if arguments.flag("build"):
        lines.append("all containers of builds that were killed")
    if arguments.flag("all"):
        lines.append("all images without at least one container associated with them")
    else:
        lines.append("all dangling images")
    listed = "".join(f"\t- {line}\n" for line in lines)
    return f"This command removes:\n{listed}"
