"""Layers: rows in the state, and the storage driver under them. What `engine.layers` is."""

from __future__ import annotations

import time

from ..contracts.storage import LayerUsage, MountOptions
from ..errors import Corrupt, DigestMismatch, InUse, NotSupported, StoreError
from ..state import layers as rows
from ..state.layers import LayerRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..contracts.storage import Change, StorageDriver
    from ..engine import Engine
    from ..streams import Readable, Writable
    from .homes import LayerHomes

_UNPACK_TIMEOUT = 1800.0
"""Seconds to wait for another process that unpacks the same layer, or the one below."""
_GRACE = 5.0
"""Seconds in which whoever makes the layer below must have begun."""
_DEFAULT_MOUNT = MountOptions()


def chain_id(parent: str, diff_id: str) -> str:
    """The chain ID in hex of a layer on `parent` (image-spec config.md#layer-chainid)."""
    if not parent:
        return diff_id.partition(":")[2]
    import hashlib

    return hashlib.sha256(f"sha256:{parent} {diff_id}".encode()).hexdigest()


class Layers:
    """The layers of one graph root. `apply` may be called from several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._driver: StorageDriver | None = None

    @property
    def driver(self) -> StorageDriver:
        """The store's storage driver: the one it was made with, else chosen and recorded now.

        Raises StoreError when another one is asked for than the store was made with.
        """
        if self._driver is None:
            wanted = self._engine.settings.storage_driver
            recorded = self._recorded() or self._record(wanted)
            if wanted and wanted != recorded:
                raise StoreError(
                    f"the store {self._engine.settings.graph_root} was made with storage driver"
                    f" {recorded}, not {wanted}",
                    remedy=f"Use --storage-driver {recorded}, or another --root.",
                )
            self._driver = self._engine.plugins.storage(recorded)
        return self._driver

    @property
    def homes(self) -> LayerHomes:
        """Where they are: in the graph root, and in its image store."""
        from .homes import LayerHomes

        return LayerHomes(self._engine, self.driver)

    def _recorded(self) -> str:
        row = self._engine.database.row("SELECT value FROM settings WHERE name = 'storage_driver'")
        return row[0] if row else ""

    def _record(self, wanted: str) -> str:
        """Choose by probing, which is done once for a store; another process may be first."""
        chosen = self._engine.plugins.choose_storage(wanted)
        self._engine.database.execute(
            "INSERT OR IGNORE INTO settings (name, value) VALUES ('storage_driver', ?)",
            chosen.name,
        )
        return self._recorded()

    # --- image layers

    def get(self, layer: str) -> LayerRow | None:
        """The row of a layer, or None."""
        return rows.get(self._engine.database, layer)

    def chain(self, top: str) -> tuple[str, ...]:
        """A layer and all below it, topmost first; () for "". Raises Corrupt for an unknown one."""
        if not top:
            return ()
        found = rows.chain(self._engine.database, top)
        if not found:
            raise Corrupt(
                f"layer {top} is not in the store",
                remedy="Remove the images that use it (rmi) and pull them again.",
            )
        return found

    def apply(
        self, layer: str, parents: Sequence[str], diff_id: str, stream: Readable
    ) -> LayerUsage:
        """Unpack an uncompressed tar as a layer of the driver, if it is not there yet.

        parents: chain IDs, topmost first. They may still be on their way, in other threads
        or processes that have begun: a driver that needs them waits for them.
        The row is not written: `record` does that, parents first, when all is known to be
        right. Several processes that apply the same layer: one does, the others wait.

        Raises DigestMismatch when the tar is not `diff_id`, Corrupt, UnsafeArchive, NoSpace.
        """
        driver = self.driver
        self._engine.leases.hold("layer", (layer,))
        try:
            with self._engine.image_locks.hold("layer", layer, _UNPACK_TIMEOUT):
                if driver.exists(layer) or self.homes.take(layer):
                    while stream.read(1 << 20):
                        pass  # whoever checks the bytes below must see all of them
                    known = self.get(layer)
                    return driver.usage(layer) if known is None else _usage(known)
                if parents and not driver.independent_layers:
                    self._wait_for(parents[0])
                return self._unpack(layer, parents, diff_id, stream)
        except BaseException:
            self._engine.leases.drop("layer", layer)
            raise

    def _unpack(
        self, layer: str, parents: Sequence[str], diff_id: str, stream: Readable
    ) -> LayerUsage:
        from ..content.handed import PIECE, Ahead

        driver = self.homes.of_new(parents)
        try:
            with Ahead(_Checked(stream, diff_id)) as checked:
                usage = driver.apply(layer, parents, checked)
                while checked.read(PIECE):  # a driver may stop at the archive's end mark
                    pass
        except DigestMismatch:
            driver.remove(layer)
            raise
        self.homes.show(driver, layer)
        return usage

    def take(self, layer: str) -> bool:
        """Have a layer that another graph root has in the image store; False for none.

        The row is not written, as by `apply`.
        """
        self._engine.leases.hold("layer", (layer,))
        with self._engine.image_locks.hold("layer", layer, _UNPACK_TIMEOUT):
            return self.homes.take(layer)

    def adopt(self, name: str, parent: str, diff_id: str, usage: LayerUsage) -> bool:
        """Make a layer of chance's id the one that its digest says, with its row; it is leased.

        False when that one is there already. parent: a layer of the store, "" for none.
        """
        layer = chain_id(parent, diff_id)
        self._engine.leases.hold("layer", (layer,))
        with self._engine.image_locks.hold("layer", layer, _UNPACK_TIMEOUT):
            if self.driver.exists(layer):
                return False
            taken = self.homes.take(layer)
            if not taken:
                home = self.homes.of_made(name)
                home.rename(name, layer)
                self.homes.show(home, layer)
            self.record(layer, parent, diff_id, "", usage)
        return not taken

    def _wait_for(self, parent: str) -> None:
        """Wait until a layer is there that others are making. Raises StoreError if nobody is."""
        deadline = time.monotonic() + _UNPACK_TIMEOUT
        begun = time.monotonic() + _GRACE
        while not self.driver.exists(parent):
            now = time.monotonic()
            worker = self._engine.database.row(
                "SELECT 1 FROM leases WHERE kind = 'layer' AND object = ?", parent
            )
            if now > deadline or (worker is None and now > begun):
                raise StoreError(f"the layer below, {parent}, is not there and nobody unpacks it")
            time.sleep(0.005)

    def record(self, layer: str, parent: str, diff_id: str, blob: str, usage: LayerUsage) -> None:
        """Write the row of a layer that `apply` made; no error when it is there."""
        rows.insert(
            self._engine.database,
            LayerRow(layer, parent, diff_id, blob, self.driver.name, usage.size, usage.inodes, 0),
        )

    # --- writable layers of containers

    def create(self, layer: str, parent: str) -> None:
        """Make an empty writable layer over the image layer `parent` ("" for none).

        The container's row, written before, owns it.
        """
        self.driver.create(layer, self.chain(parent))

    def mount(self, layer: str, parent: str, options: MountOptions = _DEFAULT_MOUNT) -> str:
        """Mount a layer over `parent`; the path of the root directory."""
        return self.driver.mount(layer, self.chain(parent), options)

    def view(self, layer: str, target: str, options: MountOptions) -> None:
        """Mount an image's layer with all below it, read-only, at a directory of the caller's,
        who unmounts it. Raises NotSupported where layers cannot be shown with other owners.
        """
        if not self.driver.views:
            raise NotSupported(f"storage driver {self.driver.name} has one place for each layer")
        top, *parents = self.chain(layer)
        self.driver.view(top, parents, target, options)

    def unmount(self, layer: str) -> None:
        """Undo `mount`; no error when it is not mounted."""
        self.driver.unmount(layer)

    def remove(self, layer: str) -> None:
        """Delete a layer, mounted or not; no error when it is not there.

        Raises InUse for an image's layer that something stands on.
        """
        if self.get(layer) is None:
            with self._engine.locks.hold("layer", layer):
                self.driver.remove(layer)
            return
        with self._engine.image_locks.hold("layer", layer):
            if not rows.delete(self._engine.database, layer):
                user = rows.user(self._engine.database, layer)
                raise InUse(f"layer {layer} is used by {user}")
            self.homes.erase(layer)

    def diff(self, layer: str, parent: str, out: Writable) -> None:
        """Write a layer's own content as an uncompressed tar."""
        self.driver.diff(layer, self.chain(parent), out)

    def changes(self, layer: str, parent: str) -> Iterator[Change]:
        """What differs between a layer and `parent`."""
        return self.driver.changes(layer, self.chain(parent))

    def usage(self, layer: str) -> LayerUsage:
        """Space of a layer alone."""
        return self.driver.usage(layer)

    # --- garbage

    def collect(self) -> None:
        """Remove what nothing needs: layers, blobs, what killed processes left half done.

        Safe beside any other process: what it works on is leased or locked. This engine's
        own leases end here. Cheap when there is nothing to do (some queries and a directory).
        """
        from .garbage import collect

        self._engine.leases.release()
        collect(self._engine, self.homes if self._recorded() else None)

    def collect_partial(self) -> None:
        """Remove what killed processes have left half written, from which nobody can go on.

        What is whole stays for one that may. Safe and cheap as `collect`.
        """
        from .garbage import collect_partial

        collect_partial(self._engine, self.homes)


def _usage(row: LayerRow) -> LayerUsage:
    return LayerUsage(row.size, row.inodes)


class _Checked:
    """A reader whose end raises DigestMismatch when what passed is not what was promised.

    So an archive that is not what it should be never becomes a complete layer.
    """

    def __init__(self, stream: Readable, diff_id: str) -> None:
        import hashlib

        self._read = stream.read
        self._expected = diff_id
        self._hash = hashlib.new(diff_id.partition(":")[0])
        self._done = False

    def read(self, size: int = -1, /) -> bytes:
        data = self._read(size)
        if data:
            self._hash.update(data)
        elif size and not self._done:
            self._done = True
            found = f"{self._hash.name}:{self._hash.hexdigest()}"
            if found != self._expected:
                raise DigestMismatch("unpacked layer", self._expected, found)
        return data
