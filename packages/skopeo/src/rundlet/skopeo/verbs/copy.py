"""`rundlet-skopeo copy`: an image from one place to another (skopeo-copy(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.encryption import DECRYPTION_KEY
from rundlet.core.verbs.encryption import OPTIONS as ENCRYPTION
from rundlet.core.verbs.signing import SIGN_IDENTITY

from ..copying import OPTIONS
from ..places import BOTH_ENDS, options
from ..retrying import OPTIONS as RETRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import Location

    from ..copying import End

VERB = Verb(
    name="copy",
    summary="Copy an IMAGE-NAME from one location to another",
    usage="[options] SOURCE-IMAGE DESTINATION-IMAGE",
    description=(
        "Both are TRANSPORT:DETAILS. Nothing is changed without need: manifests and layers are"
        " copied byte for byte as far as the destination takes them."
    ),
    run="rundlet.skopeo.verbs.copy:run",
    options=(
        *OPTIONS,
        Option("additional-tag", help="Additional tags (supports docker-archive)",
               many=True, split=True, metavar="strings"),
        AUTHFILE,
        DECRYPTION_KEY,
        Flag("dest-compress", help="Compress plain layers (destination dir: only)"),
        Option("dest-compress-format", help="Format to use for the compression"
               " (gzip, zstd or zstd:chunked)"),
        Option("dest-compress-level", help="Level to use for the compression", kind="int"),
        Flag("dest-decompress", help="Decompress layers (destination dir: only)"),
        Flag("dest-force-compress-format", help="Use the compression format for layers of another"
             " one too: always so here"),
        Flag("dest-oci-accept-uncompressed-layers",
             help="Keep plain layers in an OCI layout: always so here"),
        Flag("dest-precompute-digests", help="Make layers that change before they are sent, to"
             " send none that the registry has (destination docker: only)"),
        Option("digestfile", help="Write the digest of the pushed image to the specified file",
               completes="files"),
        *ENCRYPTION,
        Option("image-parallel-copies", help="Number of layers to copy at once", kind="uint"),
        Option("multi-arch", help="How to handle multi-architecture images (`system`, `all`,"
               " `index-only`, or platforms like `linux/amd64,linux/arm64`)"),
        Flag("quiet", "q", help="Suppress output information when copying images"),
        Flag("strip-removed-platforms", help="Take platforms that --multi-arch leaves out from"
             " the index too"),
        BOTH_ENDS,
        *RETRY,
        SIGN_IDENTITY,
        *options("src-"),
        *options("dest-"),
    ),
    arguments=Arguments(minimum=2, maximum=2),
    examples=(
        "rundlet-skopeo copy docker://quay.io/buildah/stable oci:layout:stable",
        "rundlet-skopeo copy --all docker://localhost:5000/a docker://localhost:5001/a",
    ),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Copy, telling how it goes."""
    from rundlet.core.commands.progress import shown

    from ..copying import copied, copy_options, policy_of
    from ..known import KnownBlobs
    from ..local import write
    from ..retrying import retried
    from ..running import running

    with running(context):
        source = _end(context, arguments, arguments.arguments[0], "src-")
        target = _end(context, arguments, arguments.arguments[1], "dest-")
        chosen = copy_options(context, arguments, target.transport)
        more = _additional(arguments, target)
        policy = policy_of(context)
        with shown(_told_to(context, target), quiet=arguments.flag("quiet")) as progress:
            done = retried(
                context,
                arguments,
                lambda: copied(source, target, chosen, progress, KnownBlobs(), policy, more),
            )
        if arguments.text("digestfile"):
            write(arguments.text("digestfile"), done.digest.encode())
    return 0


def _end(context: Context, arguments: Parsed, text: str, prefix: str) -> End:
    from ..copying import End
    from ..places import located, settings

    transport, location = located(context, text)
    return End(transport, location, settings(context, arguments, prefix))


def _additional(arguments: Parsed, target: End) -> list[Location]:
    """Where --additional-tag puts the image too. Raises InvalidArgument."""
    from rundlet.core.errors import InvalidArgument
    from rundlet.core.images.reference import parse

    tags = arguments.texts("additional-tag")
    if tags and target.transport.name != "docker-archive":
        raise InvalidArgument("--additional-tag needs a docker-archive: destination")
    found = []
    for tag in tags:
        named = parse(tag)
        if not named.tag or named.digest:
            raise InvalidArgument(f"additional-tag '{tag}' must be a tagged reference")
        path = target.location.path.partition(":")[0]
        found.append(target.transport.parse(f"{path}:{named}"))
    return found


def _told_to(context: Context, target: End) -> TextIO:
    """Standard output, as skopeo does, unless the image goes there."""
    return context.stderr if "/dev/stdout" in target.location.path else context.stdout
