"""The local store as the destination of a copy: pull, load and import end here.

While a layer downloads, one thread hashes it and writes its blob, another one inflates and
unpacks it: all layers at once, where the storage driver's layers do not need their parents.
Rows come last, in one transaction.
"""

from __future__ import annotations

import io
import queue
import threading
import time
from typing import TYPE_CHECKING

from ..content.compress import decompressed
from ..contracts.transport import ImageDestination, Location, ManifestBytes
from ..errors import Corrupt
from ..state import images as rows
from ..state.images import Image
from ..state.leases import Lease
from ..storage.layers import chain_id
from . import config as configs
from . import manifest as manifests

if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..contracts.storage import LayerUsage
    from ..engine import Engine
    from .descriptor import Descriptor

_PIECE = 1 << 18
_PIECES = 16


class StoreDestination(ImageDestination):
    """An image being written to the local store.

    names: full names to give it. origin: (repository, digest) it was pulled by, or None.
    After `commit`, `image` is its id.
    """

    accepts = manifests.MANIFESTS

    def __init__(
        self, engine: Engine, names: tuple[str, ...] = (), origin: tuple[str, str] | None = None
    ) -> None:
        self._engine = engine
        self.location = Location("containers-storage", names[0] if names else "")
        self._names = names
        self._origin = origin
        self._manifest: manifests.Manifest | None = None
        self._config: configs.ImageConfig | None = None
        self._written: ManifestBytes | None = None
        self._chain: list[str] = []
        self._usage: dict[str, LayerUsage] = {}
        self._lease = Lease(engine.database)
        self._driver = engine.layers.driver  # here: the state belongs to this thread
        self.image = ""

    def expect(self, manifest: manifests.Manifest, config: bytes) -> None:
        parsed = configs.parse(config)
        if len(parsed.diff_ids) != len(manifest.layers):
            raise Corrupt(
                f"the image has {len(manifest.layers)} layers, its config"
                f" {len(parsed.diff_ids)} diff_ids"
            )
        self._manifest, self._config = manifest, parsed
        parent = ""
        for diff_id in parsed.diff_ids:
            parent = chain_id(parent, diff_id)
            self._chain.append(parent)
        self._lease.hold("layer", self._chain)
        self._lease.hold("blob", {item.digest for item in (manifest.config, *manifest.layers)})

    def has_blob(self, descriptor: Descriptor) -> bool:
        return self._engine.blobs.has(descriptor.digest)

    def put_blob(self, descriptor: Descriptor, stream: BinaryIO) -> Descriptor:
        position = self._position(descriptor)
        if position is None or not self._driver.independent_layers:
            return self._engine.blobs.put(stream, descriptor)
        feed = _Feed(self._engine, descriptor, stream)
        try:
            self._unpack(position, feed)
            return feed.finish()
        except BaseException:
            feed.abort()
            raise

    def _position(self, descriptor: Descriptor) -> int | None:
        """Which layer this blob is (the lowest, where it is there several times)."""
        if self._manifest is None:
            return None
        for position, layer in enumerate(self._manifest.layers):
            if layer.digest == descriptor.digest:
                return position
        return None

    def _unpack(self, position: int, blob: Any) -> None:
        assert self._config is not None
        layer = self._chain[position]
        parents = tuple(reversed(self._chain[:position]))
        with decompressed(blob) as plain:
            self._usage[layer] = self._engine.layers.apply(
                layer, parents, self._config.diff_ids[position], plain
            )

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        if self._written is not None:
            raise Corrupt("the local store holds one image, not an index")
        self._written = manifest

    def commit(self) -> None:
        """Unpack what was not yet, then write all rows at once."""
        assert self._written is not None and self._manifest and self._config
        for position, layer in enumerate(self._chain):
            if layer not in self._usage and not self._driver.exists(layer):
                with self._engine.blobs.open(self._manifest.layers[position].digest) as blob:
                    self._unpack(position, blob)
        stored = self._engine.blobs.put_bytes(self._written.data, self._written.media_type)
        final = manifests.parse(self._written.data, self._written.media_type)
        assert isinstance(final, manifests.Manifest)
        image = self._row(final, stored.digest)
        database = self._engine.database
        with database.transaction():
            parent = ""
            for layer, diff_id, item in zip(
                self._chain, self._config.diff_ids, final.layers, strict=True
            ):
                usage = self._usage.get(layer) or self._driver.usage(layer)
                self._engine.layers.record(layer, parent, diff_id, item.digest, usage)
                parent = layer
            keeps = {stored.digest, final.config.digest, *(item.digest for item in final.layers)}
            rows.insert(database, image, keeps)
            for name in self._names:
                rows.set_name(database, name, image.id)
            if self._origin:
                rows.add_digest(database, image.id, *self._origin)
        self.image = image.id

    def _row(self, manifest: manifests.Manifest, stored: str) -> Image:
        assert self._config is not None
        sizes = [
            (self._usage.get(layer) or self._driver.usage(layer)).size for layer in self._chain
        ]
        return Image(
            id=manifest.config.digest.partition(":")[2],
            manifest=stored,
            manifest_type=manifest.media_type,
            top_layer=self._chain[-1] if self._chain else "",
            created=int(self._config.created * 1e9),
            added=time.time_ns(),
            size=sum(sizes),
            os=self._config.os,
            architecture=self._config.architecture,
            variant=self._config.variant,
            labels=self._config.labels,
        )

    def close(self) -> None:
        self._lease.release()


class _Feed(io.RawIOBase):
    """A blob's bytes, written to the store by a thread that reads ahead of who unpacks them."""

    def __init__(self, engine: Engine, descriptor: Descriptor, stream: BinaryIO) -> None:
        self._stream = stream
        self._writer = engine.blobs.writer(descriptor)
        self._pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_PIECES)
        self._left = b""
        self._ended = False
        self._aborted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blob", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._aborted.is_set():
                piece = self._stream.read(_PIECE)
                if not piece:
                    break
                self._writer.write(piece)
                self._pieces.put(piece)
            self._pieces.put(None)
        except BaseException as error:
            self._pieces.put(error)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._left and not self._ended:
            piece = self._pieces.get()
            if isinstance(piece, BaseException):
                self._ended = True
                raise piece
            if piece is None:
                self._ended = True
            else:
                self._left = piece
        if size < 0 or size >= len(self._left):
            data, self._left = self._left, b""
        else:
            data, self._left = self._left[:size], self._left[size:]
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def finish(self) -> Descriptor:
        """Take what is left, then commit the blob: its digest is checked here."""
        while self.read(_PIECE):
            pass
        self._thread.join()
        return self._writer.commit()

    def abort(self) -> None:
        """End the thread and discard the blob."""
        self._aborted.set()
        while self._thread.is_alive():
            try:
                self._pieces.get(timeout=0.1)
            except queue.Empty:
                continue
        self._writer.abort()
