"""What an engine tells the transports that it uses."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contracts.transport import TransportSettings
    from ..engine import Engine


def told(engine: Engine, settings: TransportSettings) -> TransportSettings:
    """A client's settings with what an engine has, where they do not say it: its
    registries.conf and registries.d, its directory for large temporaries, the blob locations that
    it knows, and itself (`engine`, for the transport that reads and writes its store).
    """
    from pathlib import Path

    from ..content.locations import KnownLocations
    from ..trust.registries_d import directory

    configured: dict[str, Any] = {
        "engine": engine,
        "blob_locations": KnownLocations(engine),
        "registries_conf": engine.settings.registries_conf,
        "registries_d": directory(engine.settings.registries_d),
    }
    return settings.replace(
        options={**configured, **settings.options},
        temporary=settings.temporary or Path(engine.blobs.temporary),
    )
