"""Options that several verbs of buildah have."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.tls_details import TLS_DETAILS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Parsed

TRANSPORT: tuple[Flag | Option, ...] = (
    AUTHFILE,
    Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
    Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
    Option(
        "retry", help="Number of times to retry in case of failure", kind="uint", setting="retries"
    ),
    Option("retry-delay", help="Delay between retries", kind="duration", setting="retry_delay"),
    TLS_DETAILS,
    Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
)
PLATFORM: tuple[Flag | Option, ...] = (
    Option("arch", help="Prefer ARCH instead of the architecture of the host", metavar="ARCH"),
    Option("os", help="Prefer OS instead of the running OS", metavar="OS"),
    Option("platform", help="Prefer OS/ARCH[/VARIANT]", many=True, split=True),
    Option("variant", help="Override the variant of the image"),
)
USERNS: tuple[Flag | Option, ...] = (
    Option("userns", help="User namespace: host, auto[:OPTIONS], private, or a path"),
    Option("userns-gid-map", help="GID map: CONTAINER:HOST:SIZE", many=True, split=True),
    Option("userns-gid-map-group", help="Group whose ranges in /etc/subgid are the GID map"),
    Option("userns-uid-map", help="UID map: CONTAINER:HOST:SIZE", many=True, split=True),
    Option("userns-uid-map-user", help="User whose ranges in /etc/subuid are the UID map"),
)
RUNTIME: tuple[Flag | Option, ...] = (
    Option("hooks-dir", help="Directory of OCI hooks: oci-hooks(5)", many=True,
           completes="files"),
    Option("runtime", help="OCI runtime, by name or path (also BUILDAH_RUNTIME)",
           completes="runtime"),
    Option("runtime-flag", help="Global flag for the OCI runtime, without its dashes", many=True),
)  # fmt: skip
SBOM: tuple[Flag | Option, ...] = (
    Option("sbom", help="Scan with a preset: syft, syft-cyclonedx, syft-spdx, trivy,"
           " trivy-cyclonedx, trivy-spdx"),
    Option("sbom-image-output", help="Add the scan's results to the image at this path"),
    Option("sbom-image-purl-output", help="Add the package URLs to the image at this path"),
    Option("sbom-merge-strategy", help="How results of several commands become one",
           choices=("cat", "merge-cyclonedx-by-component-name-and-version",
                    "merge-spdx-by-package-name-and-versioninfo")),
    Option("sbom-output", help="Write the scan's results to this file", completes="files"),
    Option("sbom-purl-output", help="Write the package URLs to this file", completes="files"),
    Option("sbom-scanner-command", help="Command of the scanner's image, with {ROOTFS} or"
           " {CONTEXT}, and {OUTPUT}", many=True),
    Option("sbom-scanner-image", help="Image to run scanner commands from"),
)  # fmt: skip
COMPRESSION: tuple[Flag | Option, ...] = (
    Option("compression-format", help="Compression of layers that are written elsewhere",
           choices=("gzip", "zstd", "zstd:chunked")),
    Option("compression-level", help="Compression level to use", kind="int"),
    Flag("force-compression", help="Compress layers again that are compressed otherwise"),
)  # fmt: skip
ADD_HISTORY = Flag(
    "add-history",
    help="Add an entry for this operation to the image's history (also BUILDAH_HISTORY=true)",
)


def add_history(arguments: Parsed) -> bool:
    """--add-history, or the variable BUILDAH_HISTORY."""
    if "add-history" in arguments.given:
        return arguments.flag("add-history")
    import os

    return os.environ.get("BUILDAH_HISTORY", "").lower() in ("1", "true", "yes")
