"""`rundlet image unmount`: undo `image mount` (podman-image-unmount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image unmount",
    summary="Unmount an image's root filesystem",
    usage="[options] IMAGE [IMAGE...]",
    run="rundlet.cli.verbs.image_unmount:run",
    options=(
        Flag("all", "a", help="Unmount all of the currently mounted images"),
        Flag("force", "f", help="Force the complete unmount of the specified mounted images"),
    ),
    arguments=Arguments(completes="images"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Unmount and print the ids of those that were mounted."""
    from rundlet.core.errors import UsageError

    images, names = context.engine.images, arguments.arguments
    if arguments.flag("all") == bool(names):
        raise UsageError("image name or ID must be specified, or --all")
    if not names:
        names = tuple(image.id for image, _ in images.mounted())
    for name in names:
        image = images.get(name)
        if images.unmount(name, force=arguments.flag("force")):
            context.print(image.id)
    return 0
