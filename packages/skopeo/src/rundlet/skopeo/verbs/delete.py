"""`rundlet-skopeo delete`: an image from a registry (skopeo-delete(1)).

A registry deletes manifests, not tags: every tag of the same manifest goes with it. skopeo
does that silently; here the others are named, and --all-tags says that they may go.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..places import options
from ..retrying import OPTIONS as RETRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import ImageTransport, Location, TransportSettings

VERB = Verb(
    name="delete",
    summary="Delete image IMAGE-NAME",
    usage="[options] IMAGE-NAME",
    description=(
        "Deletes an image of a registry, an OCI layout or the local store. Tags of a registry"
        " that share the image's digest would go too: they are named, and nothing is deleted"
        " without --all-tags."
    ),
    run="rundlet.skopeo.verbs.delete:run",
    options=(
        Flag("all-tags", help="Delete the image with all other tags that share its digest"),
        *RETRY,
        *options(),
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=("rundlet-skopeo delete docker://localhost:5000/busybox:old",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Delete; prints the other tags that went too."""
    from ..places import located, settings
    from ..retrying import retried
    from ..running import running

    with running(context):
        transport, location = located(context, arguments.arguments[0])
        chosen = settings(context, arguments)
        gone = retried(
            context,
            arguments,
            lambda: _delete(transport, location, chosen, all_tags=arguments.flag("all-tags")),
        )
    for tag in gone:
        context.print(f"Deleted with it: {tag}")
    return 0


def _delete(
    transport: ImageTransport, location: Location, settings: TransportSettings, *, all_tags: bool
) -> list[str]:
    """The other tags that were deleted. Raises InUse when there are some and may not be."""
    from rundlet.core.errors import InUse

    others = sorted(transport.siblings(location, settings))
    if others and not all_tags:
        raise InUse(
            f"{location}: {len(others)} other tag{'s' if len(others) > 1 else ''} would be"
            f" deleted too, for the same digest: {', '.join(others)}",
            remedy="Use --all-tags to delete them all.",
        )
    transport.delete(location, settings)
    return others
