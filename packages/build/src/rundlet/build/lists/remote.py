"""Indexes that are not of the store: which platforms an image is there for, elsewhere."""

from __future__ import annotations

from rundlet.core.contracts.transport import Platform
from rundlet.core.images import documents
from rundlet.core.images import manifest as manifests
from rundlet.core.images.names import split_transport
from rundlet.core.images.telling import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.contracts.transport import ManifestBytes, TransportSettings


def platforms(
    engine: Engine, name: str, settings: TransportSettings
) -> tuple[Platform, ...] | None:
    """Those of an index, or None for an image that is in none. Raises what reading raises."""
    found = _read(engine, name, settings)
    parsed = manifests.parse(found.data, found.media_type)
    if not isinstance(parsed, manifests.Index):
        return None
    offered = (item.platform or {} for item in parsed.manifests)
    return tuple(
        Platform(*(str(one.get(key, "")) for key in ("os", "architecture", "variant")))
        for one in offered
    )


def manifest(engine: Engine, name: str, settings: TransportSettings) -> dict[str, Any]:
    """What is at a name: an index, or the manifest of an image. Raises as `platforms`, Corrupt."""
    return documents.read_object(_read(engine, name, settings).data, f"manifest of {name}")


def _read(engine: Engine, name: str, settings: TransportSettings) -> ManifestBytes:
    kind, rest = split_transport(engine, name) or ("docker", f"//{name}")
    transport = engine.plugins.transport(kind)
    with transport.source(transport.parse(rest), told(engine, settings)) as source:
        return source.manifest()
