"""`rundlet push`: copy an image to a registry or elsewhere (podman-push(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.encryption import OPTIONS as ENCRYPTION
from rundlet.core.verbs.signing import OPTIONS as SIGNING
from rundlet.core.verbs.signing import SIGNATURE_POLICY
from rundlet.core.verbs.tls_details import TLS_DETAILS

from .pull import RETRY, RETRY_DELAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="push",
    summary="Push an image to a specified destination",
    usage="[options] IMAGE [DESTINATION]",
    description="Pushes an image to a registry, or with a transport in DESTINATION to a file"
    " or directory.",
    run="rundlet.cli.verbs.push:run",
    options=(
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Flag("compress", help="Compress layers when pushing to a directory (transport dir)"),
        Option("compression-format", help="Compression of layers",
               choices=("gzip", "zstd", "zstd:chunked"), setting="compression_format"),
        Option("compression-level", help="Compression level to use", kind="int", metavar="int",
               setting="compression_level"),
        Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
        Option("digestfile", help="Write the digest of the pushed image to the specified file",
               completes="files"),
        Flag("disable-content-trust", help="Docker's; does nothing", hidden=True),
        *ENCRYPTION,
        Flag("force-compression", help="Compress layers again that are compressed otherwise"),
        Option("format", "f", help="Manifest type to use",
               choices=("oci", "v2s1", "v2s2", "docker")),
        Option("platform", help="Push the image of a manifest list for this platform, alone"),
        Flag("quiet", "q", help="Suppress output information when pushing images"),
        Flag("remove-signatures", help="Discard any pre-existing signatures in the image"),
        RETRY,
        RETRY_DELAY,
        SIGNATURE_POLICY,
        *SIGNING,
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="images"),
    examples=("rundlet push web localhost:5000/web", "rundlet push web oci-archive:web.tar"),
)  # fmt: skip

_FORMATS = {"docker": "v2s2"}
"""Other names of formats, which podman takes too."""


def run(context: Context, arguments: Parsed) -> int:
    """Push, telling how it goes on standard error."""
    from rundlet.core.commands.progress import shown
    from rundlet.core.errors import UsageError
    from rundlet.core.images.platforms import parse_platform
    from rundlet.core.verbs.encryption import encryption
    from rundlet.core.verbs.signing import signing

    from .pull import transport_settings

    name, *destination = arguments.arguments
    compression = arguments.text("compression-format")
    if arguments.flag("compress"):
        if not destination or not destination[0].startswith("dir:"):
            raise UsageError("--compress can be set only when the transport is 'dir'")
        compression = compression or "gzip"
    platform = arguments.text("platform")
    # As podman: whoever names a format means all layers.
    force = "compression-format" in arguments.given
    if "force-compression" in arguments.given:
        force = arguments.flag("force-compression")
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        digest = context.engine.images.push(
            name,
            destination[0] if destination else "",
            settings=transport_settings(arguments),
            format=_FORMATS.get(arguments.text("format"), arguments.text("format")),
            compression=compression,
            level=arguments.number("compression-level"),
            force=force,
            progress=progress,
            encryption=encryption(arguments),
            signing=signing(arguments),
            signatures=not arguments.flag("remove-signatures"),
            platform=parse_platform(platform) if platform else None,
        )
    if arguments.text("digestfile"):
        write_digest(arguments.text("digestfile"), digest)
    return 0


def write_digest(path: str, text: str) -> None:
    """`--digestfile`. Raises InvalidArgument."""
    from rundlet.core.errors import InvalidArgument

    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise InvalidArgument(f"cannot write {path}: {error.strerror}") from error
