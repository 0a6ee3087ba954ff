"""The flag `--tls-details` of verbs that speak to registries (containers-tls-details.yaml(5))."""

from __future__ import annotations

from ..commands.declare import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..transports.docker.tls_details import TlsDetails

TLS_DETAILS = Option(
    "tls-details",
    help="File with the least version, the ciphers and the groups of TLS to speak",
    completes="files",
)


def tls_details(path: object) -> TlsDetails | None:
    """What the file says, where one is named. Raises NotFound, InvalidArgument."""
    if not path:
        return None
    from ..transports.docker.tls_details import read

    return read(str(path))
