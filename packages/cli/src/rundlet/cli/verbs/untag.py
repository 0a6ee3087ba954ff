"""`rundlet untag`: take names from an image (podman-untag(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="untag",
    summary="Remove a name from a local image",
    usage="IMAGE [NAME...]",
    description="Removes the given names from an image, all of them when none is given.",
    run="rundlet.cli.verbs.untag:run",
    arguments=Arguments(minimum=1, completes="images"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Untag; prints nothing."""
    name, *targets = arguments.arguments
    context.engine.images.untag(name, *targets)
    return 0
