"""The local store as the source of a copy: push and save begin here."""

from __future__ import annotations

from ..content.compress import detect
from ..contracts.transport import ImageSource, Location, ManifestBytes
from ..errors import Corrupt, NotFound
from . import manifest as manifests
from .plan import config_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.images import Image
    from ..streams import ReadableFile
    from .descriptor import Descriptor

_LONGEST_MAGIC = 6
_PIECE = 1 << 18


class StoreSource(ImageSource):
    """An image of the store.

    A layer that was there already when the image came, in another compression, was not
    fetched again: the manifest names the blob that is there then, and has another digest
    than the one it came with. So it is with a layer of another store that keeps no blobs, whose
    plain archive the storage driver can put together again (`archive_size`).
    """

    def __init__(self, engine: Engine, image: Image, location: Location | None = None) -> None:
        self._engine = engine
        self._image = image
        self._plain: dict[str, str] = {}  # layers without blobs, by the digests of their archives
        self.location = location or Location(
            "containers-storage", image.id, image.names[0] if image.names else ""
        )

    def manifest(self, digest: str = "") -> ManifestBytes:
        found = self._manifest()
        if digest and digest != self._image.manifest:
            raise NotFound(f"manifest {digest} is not in the store")
        return found

    def _manifest(self) -> ManifestBytes:
        kept = ManifestBytes(
            self._engine.blobs.read(self._image.manifest), self._image.manifest_type
        )
        parsed = manifests.parse(kept.data, kept.media_type)
        assert isinstance(parsed, manifests.Manifest)
        if all(self._engine.blobs.has(layer.digest) for layer in parsed.layers):
            return kept
        chain = tuple(reversed(self._engine.layers.chain(self._image.top_layer)))
        if len(chain) != len(parsed.layers):
            return kept
        layers = [
            self._there(layer, identity)
            for layer, identity in zip(parsed.layers, chain, strict=True)
        ]
        kind = parsed.media_type
        if any(manifests.compression(layer.media_type) == "zstd" for layer in layers):
            kind = manifests.OCI_MANIFEST
        config = parsed.config.replace(media_type=config_type(parsed.config.media_type, kind))
        typed = [
            layer.replace(
                media_type=manifests.layer_type(
                    kind, manifests.compression(layer.media_type), layer.media_type
                )
            )
            for layer in layers
        ]
        return ManifestBytes(manifests.recompose(parsed, kind, config, typed), kind)

    def _there(self, layer: Descriptor, identity: str) -> Descriptor:
        """A layer by what the store has of it."""
        blobs = self._engine.blobs
        row = self._engine.layers.get(identity)
        if blobs.has(layer.digest) or row is None:
            return layer
        if row.blob and blobs.has(row.blob):
            with blobs.open(row.blob) as stream:
                compression = detect(stream.read(_LONGEST_MAGIC))
            return _stored(layer, row.blob, blobs.size(row.blob), compression)
        size = self._engine.layers.driver.archive_size(identity)
        if size is None:
            return layer
        self._plain[row.diff_id] = identity
        return _stored(layer, row.diff_id, size, "")

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        """Those of the manifest that it came with, as long as that is what is given out."""
        from ..trust import kept

        if self._manifest().data != self._engine.blobs.read(self._image.manifest):
            return ()
        return kept.signatures(self._engine, self._image.id, self._image.manifest)

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        if descriptor.digest in self._plain and not self._engine.blobs.has(descriptor.digest):
            return self._archive(self._plain[descriptor.digest], offset)
        if not self._engine.blobs.has(descriptor.digest):
            missing = f"image {self._image.id[:12]}: blob {descriptor.digest} is missing"
            data = self._engine.blobs.read(self._image.manifest)
            if descriptor.digest.encode() not in data:
                raise NotFound(missing)
            raise Corrupt(missing, remedy="Pull the image again.")
        stream = self._engine.blobs.open(descriptor.digest)
        stream.seek(offset)
        return stream

    def _archive(self, layer: str, offset: int) -> ReadableFile:
        """A layer's plain archive, as it is put together."""
        from ..content.produced import Produced

        layers = self._engine.layers
        row = layers.get(layer)
        parent = row.parent if row else ""
        stream = Produced(lambda out: layers.diff(layer, parent, out))
        while offset:
            offset -= len(stream.read(min(offset, _PIECE))) or offset
        return stream


def _stored(layer: Descriptor, digest: str, size: int, compression: str) -> Descriptor:
    kind = manifests.layer_type(manifests.OCI_MANIFEST, compression, layer.media_type)
    return layer.replace(digest=digest, size=size, media_type=kind, annotations={})
