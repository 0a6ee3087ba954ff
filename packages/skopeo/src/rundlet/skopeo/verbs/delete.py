"""`rundlet-skopeo delete`: an image from a registry (skopeo-delete(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from ..places import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="delete",
    summary="Delete image IMAGE-NAME",
    usage="[options] IMAGE-NAME",
    run="rundlet.skopeo.verbs.delete:run",
    options=(
        Option("retry-times", help="The number of times to possibly retry", kind="uint"),
        *options(),
    ),
    arguments=Arguments(minimum=1, maximum=1),
)


def run(context: Context, arguments: Parsed) -> int:
    """Delete; prints nothing."""
    from ..places import located, settings

    transport, location = located(context, arguments.arguments[0])
    transport.delete(location, settings(context, arguments))
    return 0
