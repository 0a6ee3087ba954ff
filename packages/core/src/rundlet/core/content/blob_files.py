"""The files of blobs: below the graph root, or in its image store with a link there."""

from __future__ import annotations

import os

from ..errors import Busy
from ..images.descriptor import digest_parts
from ..state.locks import SHORT
from ..storage.deleting import delete_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..storage.image_store import ImageStore
    from .store import BlobStore


class BlobFiles:
    """The files of one graph root's blobs.

    Whoever changes one holds `engine.image_locks` of the blob, but for `drop`.
    """

    def __init__(self, engine: Engine, blobs: BlobStore) -> None:
        self._engine = engine
        self._path = blobs.path
        self._temporary = blobs.temporary

    @property
    def temporaries(self) -> tuple[str, ...]:
        """Where files are that leases name. In the last one blobs are written: it is beside the
        place where they will be, for rename(2).
        """
        store = self._engine.image_store
        return (self._temporary,) if store is None else (self._temporary, store.temporary)

    def place(self, written: str, digest: str) -> None:
        """Make a temporary, which is on the disk, the blob that it is. Raises OSError."""
        store = self._engine.image_store
        if store is None:
            _rename(written, self._path(digest))
            return
        _rename(written, _kept(store, digest))
        self._link(store, digest)

    def shared(self, digest: str) -> int:
        """The bytes of a blob that another graph root has in the image store; -1 for none."""
        store = self._engine.image_store
        if store is None or not store.shared(_place(digest)):
            return -1
        try:
            return os.stat(_kept(store, digest)).st_size
        except FileNotFoundError:
            return -1

    def take(self, digest: str) -> None:
        """Have a blob that is `shared`. Its row is written before: a kill leaves no link alone."""
        store = self._engine.image_store
        assert store is not None
        self._link(store, digest)

    def _link(self, store: ImageStore, digest: str) -> None:
        from ..storage.image_store import place_link

        path = self._path(digest)
        os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
        place_link(_kept(store, digest), path, f"{path}.{os.urandom(4).hex()}")

    def drop(self, digests: Sequence[str]) -> Sequence[str]:
        """Delete blobs that nothing needs here, in a transaction of the caller's, who holds no lock
        of theirs; those that are gone. What another graph root has in the image store stays there.
        """
        store = self._engine.image_store
        if store is None:
            delete_each([self._path(digest) for digest in digests], _unlink)
            return digests
        return [digest for digest in digests if self._dropped(store, digest)]

    def _dropped(self, store: ImageStore, digest: str) -> bool:
        """False where another graph root works on it. Who waits here makes others wait."""
        try:
            with store.locks.hold("blob", digest, SHORT):
                if not store.shared(_place(digest)):
                    _unlink(_kept(store, digest))
                _unlink(self._path(digest))
        except Busy:
            return False
        return True

    def forget(self, digest: str) -> None:
        """Delete a blob that is damaged, for all that have it."""
        store = self._engine.image_store
        if store is not None:
            _unlink(_kept(store, digest))
        _unlink(self._path(digest))


def _kept(store: ImageStore, digest: str) -> str:
    return os.path.join(store.blobs, *digest_parts(digest))


def _place(digest: str) -> str:
    return os.path.join("blobs", *digest_parts(digest))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _rename(path: str, target: str) -> None:
    try:
        os.rename(path, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), mode=0o711, exist_ok=True)
        os.rename(path, target)
