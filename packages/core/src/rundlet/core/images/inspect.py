"""What is told of an image: podman image inspect's document, and podman history's steps."""

from __future__ import annotations

from ..errors import Corrupt, NotFound
from ..format.times import rfc3339
from ..state.images import names_history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..engine import Engine
    from ..state.images import Image
    from .config import ImageConfig


def inspect(engine: Engine, image: Image) -> dict[str, Any]:
    """The document, key by key in podman's order. Raises Corrupt for a damaged config."""
    config = engine.images.config(image)
    document: dict[str, Any] = {
        "Id": image.id,
        "Digest": image.manifest,
        "RepoTags": list(image.names),
        "RepoDigests": repository_digests(image.names, image.manifest, image.digests),
        "Parent": "",
        "Comment": _comment(config),
        "Created": rfc3339(config.created),
        "Config": dict(config.config),
        "Version": str(config.document.get("docker_version") or ""),
        "Author": config.author,
        "Architecture": config.architecture,
        "Os": config.os,
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": _graph_driver(engine, image),
        "RootFS": {"Type": "layers", "Layers": list(config.diff_ids)},
        "Labels": config.labels or None,
        "Annotations": _annotations(engine, image),
        "ManifestType": image.manifest_type,
        "User": str(config.config.get("User") or ""),
        "History": [dict(step) for step in config.history],
        "NamesHistory": names_history(engine.database, image.id),
    }
    if config.variant:
        document["Variant"] = config.variant
    if config.config.get("Healthcheck"):
        document["Healthcheck"] = config.config["Healthcheck"]
    return document


def repository_digests(
    names: Sequence[str], manifest: str, pulled: Sequence[str] = ()
) -> list[str]:
    """NAME@DIGEST of each repository: as they were pulled, and as the image is now."""
    return sorted({*pulled, *(f"{name.rpartition(':')[0]}@{manifest}" for name in names)})


def _comment(config: ImageConfig) -> str:
    return str(config.history[-1].get("comment") or "") if config.history else ""


def _graph_driver(engine: Engine, image: Image) -> dict[str, Any]:
    driver = engine.layers.driver
    chain = engine.layers.chain(image.top_layer)
    data = driver.describe(chain[0], chain[1:]) if chain else {}
    return {"Name": driver.name, "Data": data}


def _annotations(engine: Engine, image: Image) -> Mapping[str, str]:
    try:
        return dict(engine.images.manifest(image).get("annotations") or {})
    except (NotFound, ValueError):
        return {}


def history(engine: Engine, image: Image) -> Sequence[dict[str, Any]]:
    """The steps that made an image, newest first.

    id: of the image for the newest, "<missing>" for the others. size: unpacked bytes of the
    layer that a step made. Raises Corrupt for a damaged config.
    """
    config = engine.images.config(image)
    sizes = [_size(engine, layer) for layer in reversed(engine.layers.chain(image.top_layer))]
    steps: list[dict[str, Any]] = []
    for step in config.history or _without_history(config):
        made = not step.get("empty_layer") and sizes
        steps.append(
            {
                "id": "<missing>",
                "created": str(step.get("created") or ""),
                "CreatedBy": str(step.get("created_by") or ""),
                "size": sizes.pop(0) if made else 0,
                "comment": str(step.get("comment") or ""),
                "tags": [],
            }
        )
    if steps:
        steps[-1].update(id=image.id, tags=list(image.names))
    return steps[::-1]


def _without_history(config: ImageConfig) -> Sequence[Mapping[str, Any]]:
    """A step for each layer, for images that tell nothing of their making."""
    return [{"created": rfc3339(config.created)} for _ in config.diff_ids]


def _size(engine: Engine, layer: str) -> int:
    row = engine.layers.get(layer)
    if row is None:
        raise Corrupt(f"layer {layer} is not in the store", remedy="Pull the image again.")
    return row.size
