"""`rundlet image diff`: what the top layer of an image changes (podman-image-diff(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

from .diff import FORMAT, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image diff",
    summary="Inspect changes to the image's file systems",
    usage="[options] IMAGE [IMAGE]",
    run="rundlet.cli.verbs.image_diff:run",
    options=(FORMAT,),
    arguments=Arguments(minimum=1, maximum=2, completes="images"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print one line for each path."""
    images = context.engine.images
    found = [images.get(name) for name in arguments.arguments]
    if len(found) == 2:
        from rundlet.core.comparing import compare

        show(context, arguments, compare(context.engine, *(image.id for image in found)))
    else:
        show(context, arguments, images.changes(found[0]))
    return 0
