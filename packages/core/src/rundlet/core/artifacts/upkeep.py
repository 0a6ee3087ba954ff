"""Whether the store of artifacts is whole, and what in it is of nothing any more.

A name is in the index only once all that it needs is there, so a kill leaves whole artifacts,
and files that none of them names.
"""

from __future__ import annotations

import fcntl
import os

from ..content.compress import PIECE
from ..errors import Corrupt, DigestMismatch, NotFound, StoreError
from ..images.manifest import descriptor
from ..transports import layout
from ..transports.oci import lock_blobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..images.descriptor import Descriptor
    from .store import Artifact, Store


def used(store: Store) -> int:
    """Bytes of all files of the store."""
    return sum(os.stat(path).st_size for path in _files(store))


def damaged(store: Store, *, quick: bool) -> Iterator[tuple[str, str]]:
    """Name, and what is wrong, of each artifact that is not whole.

    quick: by the sizes of its files, without reading them. Raises Corrupt for a damaged index.
    """
    for top in store.tops():
        name = str(top.annotations.get(layout.REF_NAME) or f"@{top.digest}")
        try:
            for blob in _blobs(store.read(top)):
                _look_at(store, blob, quick=quick)
        except (NotFound, Corrupt, DigestMismatch) as error:
            yield name, str(error)


def _look_at(store: Store, blob: Descriptor, *, quick: bool) -> None:
    """Raise NotFound, Corrupt or DigestMismatch for a file that is not what it should be."""
    with store.open(blob) as stream:
        size = os.stat(store.blob_path(blob)).st_size
        if size != blob.size:
            raise Corrupt(f"blob {blob.digest} has {size} bytes, not {blob.size}")
        while not quick and stream.read(PIECE):
            pass


def unneeded(store: Store) -> list[str]:
    """Paths of files that no artifact names.

    None while a manifest cannot be read: nobody knows what that one needs. Raises Corrupt for
    a damaged index.
    """
    needed: set[str] = set()
    try:
        for top in store.tops():
            needed |= {top.digest, *(blob.digest for blob in _blobs(store.read(top)))}
    except (NotFound, Corrupt, DigestMismatch):
        return []
    kept = {os.path.join(store.path, layout.blob_name(digest)) for digest in needed}
    return [path for path in _files(store) if path not in kept]


def sweep(store: Store) -> None:
    """Delete what is unneeded. Does nothing while somebody writes: it may be theirs."""
    try:
        lock = lock_blobs(store.path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (NotFound, StoreError):
        return
    try:
        for path in unneeded(store):
            os.unlink(path)
    finally:
        os.close(lock)


def _blobs(artifact: Artifact) -> list[Descriptor]:
    return [descriptor(artifact.manifest["config"]), *artifact.blobs]


def _files(store: Store) -> Iterator[str]:
    """Every file but the index: blobs, and temporaries where files cannot be without a name."""
    for directory, _, names in os.walk(os.path.join(store.path, "blobs")):
        for name in sorted(names):
            yield os.path.join(directory, name)
