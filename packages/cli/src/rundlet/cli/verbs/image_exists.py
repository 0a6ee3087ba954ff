"""`rundlet image exists`: exit code 0 if an image exists (podman-image-exists(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image exists",
    summary="Check if an image exists in local storage",
    usage="IMAGE",
    run="rundlet.cli.verbs.image_exists:run",
    arguments=Arguments(minimum=1, maximum=1, completes="images"),
)


def run(context: Context, arguments: Parsed) -> int:
    """0 for yes, 1 for no."""
    return 0 if context.engine.images.exists(arguments.arguments[0]) else 1
