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
    from rundlet.core.errors import NotFound
    from rundlet.core.images.copy import digest_of

    path = arguments.arguments[0]
    try:
        with open(path, "rb") as file:
            context.print(digest_of(file.read()))
    except OSError as error:
        raise NotFound(f"Error reading manifest from {path}: {error.strerror}") from None
    return 0
