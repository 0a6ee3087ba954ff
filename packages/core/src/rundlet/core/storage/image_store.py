"""Image stores: directories in which graph roots keep the files of their images.

(containers-storage.conf(5), imagestore; `--imagestore`.)

    GRAPH/imagestore.link      link to STORE/roots/ID: the store that a graph root has
    STORE/roots/ID             link to GRAPH; the ID is of chance
    STORE/locks/               a flock file per layer or blob that is being changed
    STORE/blobs/, STORE/tmp/   as in a graph root
    STORE/DRIVER/              home of a storage driver, with layers of images alone

The rows stay in the graph root's state, and its layers and blobs are links into the store, as
those of additional stores are: all that reads them finds them at their usual places. Graph roots
that share a store have images of their own, and one copy of the files. What nobody links to any
more is deleted by whom the last link was; what a graph root may need that cannot be seen now
(its disk is not mounted) is kept.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument, StoreError
from ..state.locks import Locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine

LINK = "imagestore.link"
_ROOTS = "roots"
_FOREIGN = (
    "state.db", "storage.lock", "blobs", "overlay", "overlay-images", "vfs", "vfs-images",
)  # fmt: skip
"""What is in a graph root, ours or of containers/storage: no directory for another engine."""
_USES = (
    "SELECT 1 FROM layers UNION ALL SELECT 1 FROM blobs"
    " UNION ALL SELECT 1 FROM leases WHERE pid != ? LIMIT 1"
)
"""Whether a graph root needs its store; what this process is about to do has not begun."""
_EMPTIED = ("blobs/sha256", "blobs/sha512", "blobs", "tmp", "locks", _ROOTS)


class ImageStore:
    """A store, as the graph root with this identity uses it."""

    def __init__(self, path: str, identity: str, timeout: float) -> None:
        self.path = path
        self.identity = identity
        self.entry = f"{path}/{_ROOTS}/{identity}"
        self.blobs = f"{path}/blobs"
        self.temporary = f"{path}/tmp"
        self.locks = Locks(f"{path}/locks", timeout)

    def shared(self, place: str) -> bool:
        """Whether another graph root has something at a place below it, or may have it."""
        return any(
            not seen or os.path.lexists(f"{root}/{place}") for _, root, seen in self._others()
        )

    def unseen(self) -> Iterator[tuple[str, str]]:
        """(entry, directory) of the graph roots that are not where they were."""
        return ((entry, root) for entry, root, seen in self._others() if not seen)

    def _others(self) -> Iterator[tuple[str, str, bool]]:
        """(entry, directory, whether it is there) of each other graph root."""
        for name in sorted(os.listdir(f"{self.path}/{_ROOTS}")):
            entry = f"{self.path}/{_ROOTS}/{name}"
            if name == self.identity:
                continue
            root = _readlink(entry)
            if root:  # else it has left
                yield entry, root, _identity(root) == name

    def leave(self, drivers: list[str]) -> None:
        """The graph root has nothing here any more. Directories that are empty then go."""
        os.unlink(self.entry)
        homes = [f"{name}{below}" for name in drivers for below in ("/staging", "/empty", "")]
        for name in (*_EMPTIED, *homes, ""):
            try:
                os.rmdir(f"{self.path}/{name}")
            except OSError:
                continue  # others use it, or it is not ours


def of(engine: Engine) -> ImageStore | None:
    """The store that a graph root has. Raises StoreError when it is not there."""
    root = engine.settings.graph_root
    entry = _entry(root)
    if not entry:
        return None
    path, identity = _store(entry), os.path.basename(entry)
    return ImageStore(path, _enter(path, identity, root), engine.settings.lock_timeout)


def joined(engine: Engine, known: ImageStore | None = None) -> ImageStore | None:
    """The store that a graph root has, or that the settings want: it has that from now on.

    known: what was found before. Raises as `of` does; StoreError when its images are in another
    store than is wanted; InvalidArgument for a directory that cannot be one.
    """
    root, wanted = engine.settings.graph_root, engine.settings.image_store
    entry = _entry(root)
    if known is not None and entry == known.entry:
        return known
    if entry and wanted and os.path.realpath(wanted) != os.path.realpath(_store(entry)):
        _part(engine, entry)
        entry = ""
    if not entry and wanted:
        _join(root, wanted)
    return of(engine)


def _part(engine: Engine, entry: str) -> None:
    """Have a graph root forget its store. Raises StoreError while it has images, or makes some."""
    root, wanted = engine.settings.graph_root, engine.settings.image_store
    path = _store(entry)
    with engine.database.transaction():
        if engine.database.row(_USES, os.getpid()) is not None:
            raise StoreError(
                f"the images of the graph root {root} are in the image store {path}, not {wanted}",
                remedy=f"Use --imagestore {path}, or another --root.",
            )
        for link in (f"{root}/{LINK}", entry):
            if os.path.lexists(link):
                os.unlink(link)


def _store(entry: str) -> str:
    return entry.rpartition(f"/{_ROOTS}/")[0]


def _entry(root: str) -> str:
    """What a graph root's link says; "" for one that has no image store."""
    return _readlink(f"{root}/{LINK}")


def _identity(root: str) -> str:
    return _entry(root).rpartition("/")[2]


def _join(root: str, store: str) -> None:
    """Have a graph root use a store from now on."""
    if os.path.realpath(store) == os.path.realpath(root):
        raise InvalidArgument(
            f"the image store {store} must be another directory than the graph root",
            remedy="Without --imagestore, images are in the graph root.",
        )
    if not os.path.isdir(f"{store}/{_ROOTS}"):
        found = [name for name in _FOREIGN if os.path.lexists(f"{store}/{name}")]
        if found:
            raise InvalidArgument(
                f"{store} cannot be an image store: it has a {found[0]} of something else",
                remedy="Name an empty directory. Images of other stores are read where"
                " additionalimagestores of storage.conf names these.",
            )
    try:
        for directory, mode in ((root, 0o711), (store, 0o711), (f"{store}/{_ROOTS}", 0o700)):
            os.makedirs(directory, mode, exist_ok=True)
        os.symlink(f"{store}/{_ROOTS}/{os.urandom(8).hex()}", f"{root}/{LINK}")
    except OSError as error:
        if not _entry(root):  # else another process was faster
            raise StoreError(f"cannot use the image store {store}: {error}") from error


def _enter(path: str, identity: str, root: str) -> str:
    """Have a store know a graph root, also one that was moved, or killed while it joined.

    Its identity then: another one for a copy of a graph root that is still there.
    """
    place = os.path.realpath(root)
    known = _readlink(f"{path}/{_ROOTS}/{identity}")
    if known == place:
        return identity
    if not os.path.isdir(f"{path}/{_ROOTS}"):
        raise StoreError(
            f"the image store {path} is not there",
            remedy=f"Mount its disk; or remove {root}/{LINK} if it is gone for good.",
        )
    chance = os.urandom(8).hex()
    if known and _identity(known) == identity:
        if os.path.samefile(known, place):  # by another mount
            return identity
        identity = chance
        place_link(f"{path}/{_ROOTS}/{identity}", f"{root}/{LINK}", f"{root}/{LINK}.{chance}")
    place_link(place, f"{path}/{_ROOTS}/{identity}", f"{path}/link.{chance}")
    return identity


def place_link(target: str, path: str, temporary: str) -> None:
    """Make `path` a link, in the place of what it was. temporary: a name for rename(2)."""
    os.symlink(target, temporary)
    os.rename(temporary, path)


def _readlink(path: str) -> str:
    """What a link says; "" for none."""
    try:
        return os.readlink(path)
    except OSError:
        return ""
