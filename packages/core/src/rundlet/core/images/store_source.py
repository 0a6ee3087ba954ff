"""The local store as the source of a copy: push and save begin here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contracts.transport import ImageSource, Location, ManifestBytes
from ..errors import Corrupt, NotFound

if TYPE_CHECKING:
    from typing import BinaryIO

    from ..engine import Engine
    from ..state.images import Image
    from .descriptor import Descriptor


class StoreSource(ImageSource):
    """An image of the store. All its blobs are there."""

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
