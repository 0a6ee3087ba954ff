"""`rundlet-skopeo copy`: an image from one place to another (skopeo-copy(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..places import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.images.copy import CopyOptions

VERB = Verb(
    name="copy",
    summary="Copy an IMAGE-NAME from one location to another",
    usage="[options] SOURCE-IMAGE DESTINATION-IMAGE",
    run="rundlet.skopeo.verbs.copy:run",
    options=(
        Flag("all", "a", help="Copy all images if SOURCE-IMAGE is a list"),
        Option("authfile", help="Path of the authentication file", completes="files"),
        Option("dest-compress-format", help="Format to use for the compression",
               choices=("gzip", "zstd", "zstd:chunked")),
        Option("dest-compress-level", help="Level to use for the compression", kind="int"),
        Flag("dest-force-compress-format", help="Recompress layers of another compression"),
        Option("digestfile", help="Write the digest of the pushed image to the specified file",
               completes="files"),
        Option("format", "f", help="Manifest type to use in the destination",
               choices=("oci", "v2s2")),
        Option("image-parallel-copies", help="Number of layers to copy at once", kind="uint"),
        Option("multi-arch", help="How to handle multi-architecture images",
               choices=("system", "all")),
        Flag("preserve-digests", help="Fail if the image would have to be changed"),
        Flag("quiet", "q", help="Suppress output information when copying images"),
        Flag("remove-signatures", help="Do not copy signatures from SOURCE-IMAGE"),
        Option("retry-times", help="The number of times to possibly retry", kind="uint"),
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
    """Copy, telling how it goes on standard error."""
    from rundlet.core.commands.progress import shown
    from rundlet.core.images.copy import copy

    from ..places import located, settings

    from_where, to_where = arguments.arguments
    source_transport, source_location = located(context, from_where)
    target_transport, target_location = located(context, to_where)
    chosen = _options(context, arguments)
    with (
        source_transport.source(source_location, settings(context, arguments, "src-")) as source,
        target_transport.destination(
            target_location, settings(context, arguments, "dest-")
        ) as target,
        shown(context.stderr, quiet=arguments.flag("quiet")) as progress,
    ):
        if arguments.flag("preserve-digests"):
            _check_kept(source.manifest().media_type, target.accepts, arguments)
        copied = copy(source, target, chosen, progress)
    if arguments.text("digestfile"):
        _write(arguments.text("digestfile"), copied.digest)
    return 0


def _options(context: Context, arguments: Parsed) -> CopyOptions:
    from rundlet.core.errors import UsageError
    from rundlet.core.images.copy import CopyOptions
    from rundlet.core.images.plan import Wishes

    from ..places import platform

    several = arguments.text("multi-arch")
    if several and arguments.flag("all"):
        raise UsageError("Cannot use --all and --multi-arch flags together")
    return CopyOptions(
        platform=platform(context),
        all_instances=arguments.flag("all") or several == "all",
        wishes=Wishes(
            format=arguments.text("format"),
            compression=arguments.text("dest-compress-format"),
            force=arguments.flag("dest-force-compress-format"),
            level=arguments.number("dest-compress-level"),
        ),
        parallel=arguments.number("image-parallel-copies") or 0,
    )


def _check_kept(media_type: str, accepts: tuple[str, ...], arguments: Parsed) -> None:
    """--preserve-digests: nothing may ask for a change. Raises InvalidArgument."""
    from rundlet.core.errors import InvalidArgument

    asked = arguments.text("format") or arguments.text("dest-compress-format")
    if asked or (accepts and media_type not in accepts):
        raise InvalidArgument(
            "Instructed to preserve digests, but the image would have to be changed",
            remedy="Leave out --preserve-digests, --format and --dest-compress-format.",
        )


def _write(path: str, text: str) -> None:
    from rundlet.core.errors import InvalidArgument

    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise InvalidArgument(f"cannot write {path}: {error.strerror}") from error
