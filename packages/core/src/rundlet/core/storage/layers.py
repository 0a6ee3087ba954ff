"""Layers: rows in the state, and the storage driver under them. What `engine.layers` is."""

from __future__ import annotations

import hashlib
import time

from ..contracts.storage import MountOptions
from ..errors import Corrupt, DigestMismatch, StoreError
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ..contracts.storage import Change, LayerUsage, StorageDriver
    from ..engine import Engine
    from ..state.database import Database

_COLUMNS = "id, parent, diff_id, blob, driver, size, inodes, created"
# How long a process waits for another one that unpacks the same layer.
_UNPACK_TIMEOUT = 1800.0


class LayerRow(Value):
    """A committed image layer. id: chain ID in hex; blob: digest of its compressed form, or ""."""

    id: str
    parent: str
    diff_id: str
    blob: str
    driver: str
    size: int
    inodes: int
    created: int


def chain_id(parent: str, diff_id: str) -> str:
    """The chain ID in hex of a layer on `parent` (image-spec config.md#layer-chainid)."""
    if not parent:
        return diff_id.partition(":")[2]
    return hashlib.sha256(f"sha256:{parent} {diff_id}".encode()).hexdigest()


class Layers:
    """The layers of one graph root."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._driver: StorageDriver | None = None

    @property
    def driver(self) -> StorageDriver:
        """The store's storage driver: the one it was made with, else chosen and recorded now.

        Raises StoreError when another one is asked for than the store was made with.
        """
        if self._driver is None:
            plugins = self._engine.plugins
            wanted = self._engine.settings.storage_driver
            recorded = self._engine.database.row(
                "SELECT value FROM settings WHERE name = 'storage_driver'"
            )
            if recorded is None:
                self._driver = plugins.choose_storage(wanted)
                self._engine.database.execute(
                    "INSERT OR IGNORE INTO settings (name, value) VALUES ('storage_driver', ?)",
                    self._driver.name,
                )
            elif wanted and wanted != recorded[0]:
                raise StoreError(
                    f"the store {self._engine.settings.graph_root} was made with storage driver"
                    f" {recorded[0]}, not {wanted}",
                    remedy="Use another --root, or that driver.",
                )
            else:
                self._driver = plugins.storage(recorded[0])
        return self._driver

    # --- image layers

    def get(self, layer: str, database: Database | None = None) -> LayerRow | None:
        """The row of a layer, or None."""
        row = (database or self._engine.database).row(
            f"SELECT {_COLUMNS} FROM layers WHERE id = ?", layer
        )
        if row is None:
            return None
        return LayerRow(row[0], row[1] or "", row[2], row[3] or "", *row[4:])

    def chain(self, top: str) -> tuple[str, ...]:
        """A layer and all below it, topmost first; () for "". Raises Corrupt for a gap."""
        if not top:
            return ()
        rows = self._engine.database.rows(
            "WITH RECURSIVE up(id, parent, depth) AS ("
            " SELECT id, parent, 0 FROM layers WHERE id = ?"
            " UNION ALL SELECT l.id, l.parent, depth + 1 FROM layers l, up WHERE l.id = up.parent)"
            " SELECT id FROM up ORDER BY depth",
            top,
        )
        if not rows:
            raise Corrupt(f"layer {top} is not in the store")
        return tuple(row[0] for row in rows)

    def apply(
        self, layer: str, parents: tuple[str, ...], diff_id: str, stream: BinaryIO
    ) -> LayerUsage:
        """Unpack an uncompressed tar as a layer of the driver, if it is not there yet.

        parents: topmost first. The row is not written: `record` does that when all
        is known to be right. Raises DigestMismatch when the tar is not `diff_id`.
        """
        driver = self.driver
        with self._engine.locks.hold("layer", layer, _UNPACK_TIMEOUT):
            if driver.exists(layer):
                while stream.read(1 << 20):
                    pass  # the caller's other readers want all of it
                return driver.usage(layer)
            tee = _Hashing(stream)
            usage = driver.apply(layer, parents, tee)  # type: ignore[arg-type]
            if tee.digest() != diff_id:
                driver.remove(layer)
                raise DigestMismatch("unpacked layer", diff_id, tee.digest())
            return usage

    def record(self, layer: str, parent: str, diff_id: str, blob: str, usage: LayerUsage) -> None:
        """Write the row of a layer that `apply` made; no error when it is there."""
        self._engine.database.execute(
            f"INSERT OR IGNORE INTO layers ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            layer,
            parent or None,
            diff_id,
            blob or None,
            self.driver.name,
            usage.size,
            usage.inodes,
            time.time_ns(),
        )

    # --- writable layers of containers

    def create(self, layer: str, parent: str) -> None:
        """Make an empty writable layer over the image layer `parent` ("" for none)."""
        self.driver.create(layer, self.chain(parent))

    def mount(self, layer: str, parent: str, options: MountOptions = MountOptions()) -> str:  # noqa: B008 (frozen)
        """Mount a writable layer over `parent`; the path of the root directory."""
        return str(self.driver.mount(layer, self.chain(parent), options))

    def unmount(self, layer: str) -> None:
        """Undo `mount`; no error when it is not mounted."""
        self.driver.unmount(layer)

    def remove(self, layer: str) -> None:
        """Delete a layer; no error when it is not there."""
        self.driver.remove(layer)

    def diff(self, layer: str, parent: str, out: BinaryIO) -> None:
        """Write a layer's own content as a tar."""
        self.driver.diff(layer, self.chain(parent), out)

    def changes(self, layer: str, parent: str) -> Iterator[Change]:
        """What differs between a layer and `parent`."""
        return self.driver.changes(layer, self.chain(parent))

    def usage(self, layer: str) -> LayerUsage:
        """Space of a layer alone."""
        return self.driver.usage(layer)

    # --- garbage

    def collect(self) -> None:
        """Remove layers and blobs that no image and no container refers to.

        What another process is making is safe: it has no row yet, and its files are in
        staging directories that name their owner.
        """
        database = self._engine.database
        with database.transaction():
            doomed = [row[0] for row in database.rows(_UNUSED_LAYERS)]
            for layer in doomed:  # children come first
                database.execute("DELETE FROM layers WHERE id = ?", layer)
            blobs = [row[0] for row in database.rows(_UNUSED_BLOBS)]
        for layer in doomed:
            with self._engine.locks.hold("layer", layer):
                if self.get(layer) is None:
                    self.driver.remove(layer)
        for digest in blobs:
            self._engine.blobs.remove(digest)


# Layers reachable from no image and no container, deepest children first.
_UNUSED_LAYERS = """
WITH RECURSIVE used(id) AS (
    SELECT top_layer FROM images WHERE top_layer IS NOT NULL
    UNION SELECT i.top_layer FROM containers c JOIN images i ON i.id = c.image
    UNION SELECT l.parent FROM layers l JOIN used ON l.id = used.id WHERE l.parent IS NOT NULL
), depth(id, n) AS (
    SELECT id, 0 FROM layers WHERE parent IS NULL
    UNION ALL SELECT l.id, n + 1 FROM layers l JOIN depth d ON l.parent = d.id
)
SELECT id FROM depth WHERE id NOT IN (SELECT id FROM used) ORDER BY n DESC
"""
_UNUSED_BLOBS = """
SELECT digest FROM blobs
WHERE digest NOT IN (SELECT digest FROM image_blobs)
  AND digest NOT IN (SELECT blob FROM layers WHERE blob IS NOT NULL)
  AND digest NOT IN (SELECT object FROM leases WHERE kind = 'blob')
"""


class _Hashing:
    """A reader that hashes what passes through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        while self.read(1 << 20):
            pass  # what follows the end of the archive counts too
        return "sha256:" + self._hash.hexdigest()
