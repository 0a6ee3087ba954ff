"""`rundlet image prune`: remove images that nothing needs (podman-image-prune(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image prune",
    summary="Remove unused images",
    description="Removes images that nothing uses, and what pulls that were interrupted have"
    " fetched.",
    run="rundlet.cli.verbs.image_prune:run",
    options=(
        Flag("all", "a", help="Remove all images not in use by containers, not just dangling ones"),
        Flag(
            "build-cache",
            help="Remove persistent build cache created by --mount=type=cache instructions",
        ),
        Flag("external", help="Remove images even when they are used by external containers"),
        Option("filter", help="Provide filter values (e.g. 'label=<key>=<value>')", many=True),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    arguments=Arguments(maximum=0),
)


def run(context: Context, arguments: Parsed) -> int:
    """Ask, remove, and print the ids."""
    from ..asking import confirmed
    from ..pruning import images

    everything = arguments.flag("all")
    what = "images without at least one container associated with them" if everything else (
        "dangling images")  # fmt: skip
    if arguments.flag("build-cache"):
        what += " and persistent build cache"
    if not arguments.flag("force") and not confirmed(context, f"This command removes all {what}."):
        return 0
    for image in images(context.engine, arguments.texts("filter"), everything=everything):
        context.print(image)
    if arguments.flag("build-cache"):
        from rundlet.core.system.builds import prune_caches

        prune_caches(context.engine)
    return 0
