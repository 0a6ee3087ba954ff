"""The local store as the source of a copy: push and save begin here."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from ..content.compress import compressed
from ..contracts.transport import ImageSource, Location, ManifestBytes
from ..errors import Corrupt, NotFound
from . import manifest as manifests

if TYPE_CHECKING:
    from typing import BinaryIO

    from ..engine import Engine
    from ..state.images import Image
    from .descriptor import Descriptor


class StoreSource(ImageSource):
    """An image of the store. Layers that have no blob yet (made here) get one first."""

    def __init__(self, engine: Engine, image: Image) -> None:
        self._engine = engine
        self._image = image
        self.location = Location(
            "containers-storage", image.id, image.names[0] if image.names else ""
        )

    def manifest(self, digest: str = "") -> ManifestBytes:
        if digest and digest != self._image.manifest:
            raise NotFound(f"manifest {digest} is not in the store")
        data = self._engine.blobs.read(self._image.manifest)
        return ManifestBytes(data, self._image.manifest_type)

    def blob(self, descriptor: Descriptor, offset: int = 0) -> BinaryIO:
        if not self._engine.blobs.has(descriptor.digest):
            raise Corrupt(
                f"image {self._image.id[:12]}: blob {descriptor.digest} is missing",
                remedy="Pull the image again.",
            )
        stream = self._engine.blobs.open(descriptor.digest)
        stream.seek(offset)
        return stream


def make_blob(engine: Engine, layer: str, parent: str) -> tuple[Descriptor, str]:
    """Write the gzip blob of a layer that was made here; (its descriptor, the diff_id).

    Streams: the tar goes to a temporary file below the graph root, from there into the store.
    """
    import hashlib

    from .descriptor import Descriptor

    directory = engine.blobs.temporary
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory) as file:
        engine.layers.diff(layer, parent, file)
        file.seek(0)
        sha256 = hashlib.sha256()
        while piece := file.read(1 << 20):
            sha256.update(piece)
        file.seek(0)
        made = engine.blobs.put(
            compressed(file, "gzip"), Descriptor("", -1, manifests.OCI_LAYER + "+gzip")
        )
    return made, "sha256:" + sha256.hexdigest()
