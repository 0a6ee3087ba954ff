"""`rundlet-skopeo manifest-digest`: the digest of a manifest file (skopeo-manifest-digest(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="manifest-digest",
    summary="Compute a manifest digest of a file",
    usage="MANIFEST-FILE",
    run="rundlet.skopeo.verbs.manifest_digest:run",
    arguments=Arguments(minimum=1, maximum=1, completes="files"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print it."""
    from rundlet.core.images.digests import digest_of

    from ..local import read

    context.print(digest_of(read(arguments.arguments[0])))
    return 0
