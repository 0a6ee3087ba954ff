"""The homes of layers: the graph root's, and that of its image store where it has one.

Layers of containers are in the first. Those of images are made in the second and linked in the
first, as layers of additional stores are: a link is made last, and what a killed process leaves
without one is deleted by `collect`, as its lease says.
"""

from __future__ import annotations

import os

from ..errors import Busy, StoreError
from ..linux import syscalls
from ..state.locks import SHORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.storage import StorageDriver
    from ..engine import Engine


class LayerHomes:
    """Where an engine's layers are. driver: of the graph root.

    Whoever changes a layer holds `engine.image_locks` of it, unless its id is of chance.
    Raises StoreError for a driver that cannot link, and as `image_store.of` does.
    """

    def __init__(self, engine: Engine, driver: StorageDriver) -> None:
        self._root = engine.settings.graph_root
        self._driver = driver
        self._store = engine.image_store
        self._kept = driver
        if self._store is not None:
            if not driver.links:
                raise StoreError(
                    f"storage driver {driver.name} cannot keep images in an image store",
                    remedy="Use --storage-driver overlay or vfs, and another --root.",
                )
            self._kept = engine.plugins.storage(driver.name, self._store.path)

    def of_new(self, parents: Sequence[str]) -> StorageDriver:
        """The driver that makes a layer over these: one whose home has what it copies."""
        if parents and not self._driver.independent_layers and not self._kept.exists(parents[0]):
            return self._driver
        return self._kept

    def of_made(self, layer: str) -> StorageDriver:
        """The driver that has made a layer which is not linked yet."""
        return self._driver if self._driver.exists(layer) else self._kept

    def show(self, home: StorageDriver, layer: str) -> None:
        """Have a complete layer of a home in the graph root, for good."""
        if home is self._driver:
            return
        assert self._store is not None
        self._driver.link(layer, f"{self._store.path}/{self._driver.name}/{layer}")
        descriptor = os.open(
            f"{self._root}/{self._driver.name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        )
        try:
            syscalls.syncfs(descriptor)  # as the layer is
        finally:
            os.close(descriptor)

    def take(self, layer: str) -> bool:
        """Have a layer that another graph root keeps in the image store; whether there is one.

        Else what a killed process left in its place is deleted.
        """
        if self._store is None:
            return False
        if not self._store.shared(self._place(layer)):
            self._kept.remove(layer)
        elif self._kept.exists(layer):
            self.show(self._kept, layer)
            return True
        return False

    def erase(self, layer: str) -> None:
        """Delete a layer, from the image store too unless another graph root needs it there."""
        if self._store is not None and not self._store.shared(self._place(layer)):
            self._kept.remove(layer)
        self._driver.remove(layer)

    def discard(self, layer: str) -> bool:
        """`erase`, in a transaction of the caller's, who holds no lock of the layer, and quick.

        False where another graph root works on it. Who waits here makes others wait.
        """
        if self._store is None:
            self._driver.discard(layer)
            return True
        try:
            with self._store.locks.hold("layer", layer, SHORT):
                if not self._store.shared(self._place(layer)):
                    self._kept.discard(layer)
                self._driver.discard(layer)
        except Busy:
            return False
        return True

    def collect(self) -> None:
        """What `StorageDriver.collect` does, in all homes."""
        self._driver.collect()
        if self._store is not None:
            self._kept.collect()

    def _place(self, layer: str) -> str:
        return f"{self._driver.name}/{layer}"
