"""An image in the making: its config, its history, and the layers it has so far."""

from __future__ import annotations

import json
import time

from rundlet.core.format.times import rfc3339
from rundlet.core.images.composing import NewLayer, base_layers, write_image
from rundlet.core.images.platforms import native
from rundlet.core.storage.layers import chain_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.state.images import Image

_DOCKER_ONLY = ("Healthcheck", "Shell")
"""Fields of a config that OCI's image-spec does not have (config.md): buildah leaves them out."""


class Draft:
    """What a stage has made. `top` is the chain ID of its topmost layer, "" for none."""

    def __init__(self, platform: Platform) -> None:
        here = native()
        self.config: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.layers: list[NewLayer] = []
        self.top = ""
        self.os = platform.os or here.os
        self.architecture = platform.architecture or here.architecture
        self.variant = platform.variant
        self.author = ""
        self.os_version = ""
        self.os_features: tuple[str, ...] = ()
        self.annotations: dict[str, str] = {}
        self.base_name = ""
        self.base_digest = ""

    @classmethod
    def of_image(cls, engine: Engine, image: Image, name: str, platform: Platform) -> Draft:
        """What begins with an image of the store.

        Its layers are held until the engine is closed: the image itself may go meanwhile.
        """
        known = engine.images.config(image)
        draft = cls(platform)
        draft.config = _copied(known.config)
        draft.history = [dict(entry) for entry in known.history]
        for blob, diff_id in zip(base_layers(engine, image), known.diff_ids, strict=True):
            draft.add(NewLayer(blob, diff_id))
        engine.leases.hold("layer", (draft.top,) if draft.top else ())
        engine.leases.hold("blob", [layer.blob.digest for layer in draft.layers])
        draft.os = known.os or draft.os
        draft.architecture = known.architecture or draft.architecture
        draft.variant = known.variant or draft.variant
        draft.author = known.author
        draft.os_version = str(known.document.get("os.version") or "")
        draft.os_features = tuple(known.document.get("os.features") or ())
        draft.annotations = dict(engine.images.manifest(image).get("annotations") or {})
        draft.base_name, draft.base_digest = name, image.manifest
        return draft

    def copied(self) -> Draft:
        """An independent draft that begins where this one is."""
        twin = object.__new__(Draft)
        twin.__dict__.update(self.__dict__)
        twin.config = _copied(self.config)
        twin.history = _copied(self.history)
        twin.layers = list(self.layers)
        twin.annotations = dict(self.annotations)
        return twin

    def add(self, layer: NewLayer) -> None:
        """Put a layer on top."""
        self.layers.append(layer)
        self.top = chain_id(self.top, layer.diff_id)

    def note(self, created: int, text: str, *, empty: bool, comment: str = "") -> None:
        """One more entry of the history. created: nanoseconds."""
        entry: dict[str, Any] = {"created": rfc3339(created), "created_by": text}
        if self.author:
            entry["author"] = self.author
        if comment:
            entry["comment"] = comment
        if empty:
            entry["empty_layer"] = True
        self.history.append(entry)

    def document(self, created: int, *, docker: bool) -> dict[str, Any]:
        """The image config (image-spec config.md)."""
        config = {
            key: value
            for key, value in self.config.items()
            if value not in (None, {}, [], "") and (docker or key not in _DOCKER_ONLY)
        }
        document: dict[str, Any] = {
            "created": rfc3339(created),
            "architecture": self.architecture,
            "os": self.os,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
            "history": self.history,
        }
        if self.author:
            document["author"] = self.author
        if self.variant:
            document["variant"] = self.variant
        if self.os_version:
            document["os.version"] = self.os_version
        if self.os_features:
            document["os.features"] = list(self.os_features)
        return document

    def write(
        self,
        engine: Engine,
        *,
        created: int = 0,
        docker: bool = False,
        names: tuple[str, ...] = (),
        annotations: Mapping[str, str] | None = None,
    ) -> Image:
        """Write it as an image. created: nanoseconds, 0 for now."""
        return write_image(
            engine,
            self.document(created or time.time_ns(), docker=docker),
            [layer.blob for layer in self.layers],
            names=names,
            docker=docker,
            annotations=annotations,
        )


def _copied(value: Any) -> Any:
    """An independent copy of what JSON holds: `copy` is slow to import."""
    return json.loads(json.dumps(value))
