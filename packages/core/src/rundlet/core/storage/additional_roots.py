"""What can be an additional image store: a graph root of Rundlet, or one of containers/storage."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from ..images.descriptor import digest_parts
from ..state import stores as rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..state.database import Database

_DRIVERS = ("overlay", "vfs", "btrfs", "zfs")
"""Of containers/storage; whichever a store was made with."""


class Root(ABC):
    """One store, at a path. Nothing is ever written there."""

    def __init__(self, path: str) -> None:
        self.path = path

    @abstractmethod
    def stamp(self) -> str:
        """Changes when something is written to it; its first word is the file it cannot lack."""

    @abstractmethod
    def attached(self, database: Database) -> AbstractContextManager[object]:
        """`with`: its rows, as schema `other`. Raises StoreError naming the store."""

    @abstractmethod
    def layer(self, layer: str, driver: str) -> tuple[str, str] | None:
        """The directory of a layer, and the record of its archive ("" where there is none); None
        for a layer that has gone from the store.
        """

    @abstractmethod
    def blob(self, digest: str) -> str | None:
        """The file of a blob; None for one that has gone."""


def found(path: str) -> Root | None:
    """What is at a path, or None."""
    if os.path.exists(f"{path}/state.db"):
        return RundletRoot(path)
    for driver in _DRIVERS:
        if os.path.exists(f"{path}/{driver}-images/images.json"):
            return PodmanRoot(path, driver)
    return None


class RundletRoot(Root):
    """A graph root of Rundlet."""

    def stamp(self) -> str:
        return f"state.db {_stamp(f'{self.path}/state.db')} {self._log()}"

    def _log(self) -> str:
        """Of its write-ahead log; "" when nobody has written since it was last closed."""
        try:
            found = os.stat(f"{self.path}/state.db-wal")
        except FileNotFoundError:
            return ""
        return f"{found.st_mtime_ns}:{found.st_size}" if found.st_size else ""

    def attached(self, database: Database) -> AbstractContextManager[object]:
        return rows.Attached(database, self.path, quiet=not self._log())

    def layer(self, layer: str, driver: str) -> tuple[str, str]:
        return f"{self.path}/{driver}/{layer}", ""

    def blob(self, digest: str) -> str:
        return os.path.join(self.path, "blobs", *digest_parts(digest))


class PodmanRoot(Root):
    """A store of containers/storage: podman's, buildah's, CRI-O's.

    Their files are replaced as a whole, so reading takes no lock, and waits for no pull there.
    """

    def __init__(self, path: str, driver: str) -> None:
        super().__init__(path)
        self._driver = driver
        self._layers: dict[str, str] = {}
        self._blobs: dict[str, str] = {}

    def stamp(self) -> str:
        images = f"{self._driver}-images/images.json"
        layers = f"{self._driver}-layers/layers.json"
        return f"{images} {_stamp(f'{self.path}/{images}')} {_stamp(f'{self.path}/{layers}')}"

    def attached(self, database: Database) -> AbstractContextManager[object]:
        from .podman_store import fill, read

        content = read(self.path, self._driver, self.stamp)
        self._layers = {layer.id: layer.name for image in content for layer in image.layers}
        self._blobs = {digest: path for image in content for digest, path in image.files.items()}
        return rows.Made(database, lambda tables: fill(content, self._driver, tables))

    def layer(self, layer: str, driver: str) -> tuple[str, str] | None:
        name = self._layers.get(layer)
        if name is None:
            return None
        home = f"{self.path}/{driver}" + ("/dir" if driver == "vfs" else "")
        record = f"{self.path}/{driver}-layers/{name}.tar-split.gz"
        return f"{home}/{name}", record if os.path.exists(record) else ""

    def blob(self, digest: str) -> str | None:
        return self._blobs.get(digest)


def _stamp(path: str) -> str:
    """Of a file; "" for one that is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ""
    return f"{found.st_ino}:{found.st_mtime_ns}:{found.st_size}"
