"""`rundlet tag`: give an image more names (podman-tag(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="tag",
    summary="Add an additional name to a local image",
    usage="IMAGE TARGET_NAME [TARGET_NAME...]",
    run="rundlet.cli.verbs.tag:run",
    arguments=Arguments(minimum=2, completes="images"),
    examples=("rundlet tag 0e3bbc2 fedora:latest",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Tag; prints nothing."""
    name, *targets = arguments.arguments
    context.engine.images.tag(name, *targets)
    return 0
