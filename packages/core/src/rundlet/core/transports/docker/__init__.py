"""The transport `docker://host/repository:tag`: registries (OCI distribution-spec 1.1)."""

from __future__ import annotations

from ...hookspecs import hookimpl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...contracts.transport import ImageTransport


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """Make the transport."""
    if name != "docker":
        return None
    from .transport import DockerTransport

    return DockerTransport()
