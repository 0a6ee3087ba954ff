"""What an engine tells the transports that it uses."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contracts.transport import TransportSettings
    from ..engine import Engine


def told(engine: Engine, settings: TransportSettings) -> TransportSettings:
    """A client's settings with what an engine has, where they do not say it: its
    registries.conf, registries.d and certs.d, its directory for large temporaries, its retries,
    how it speaks TLS, the blob locations that it knows, and itself (`engine`, for the transport of
    its store). Raises NotFound, InvalidArgument for the file of --tls-details.
    """
    from pathlib import Path

    from ..content.locations import KnownLocations

    own = engine.settings
    configured: dict[str, Any] = {
        "engine": engine,
        "blob_locations": KnownLocations(engine),
        "registries_conf": own.registries_conf,
        "registries_d": own.registries_d,
        "certs_dirs": own.certs_dirs,
    }
    if own.tls_details and settings.tls_details is None:
        from ..transports.docker.tls_details import read

        settings = settings.replace(tls_details=read(own.tls_details))
    return settings.replace(
        options={**configured, **settings.options},
        temporary=settings.temporary or Path(own.temporary or engine.blobs.temporary),
        retries=own.retries if settings.retries is None else settings.retries,
        retry_delay=own.retry_delay if settings.retry_delay is None else settings.retry_delay,
    )
