"""`rundlet image inspect`: images as JSON (podman-image-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image inspect",
    summary="Display the configuration of an image",
    usage="[options] IMAGE [IMAGE...]",
    run="rundlet.cli.verbs.image_inspect:run",
    options=(
        Option(
            "format",
            "f",
            help="Format the output to a Go template or json",
            default="json",
            kind="template",
        ),
    ),
    arguments=Arguments(minimum=1, completes="images"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the documents."""
    from .inspect import FINDERS, inspect

    return inspect(context, arguments, arguments.arguments, [FINDERS["image"]], what="image")
