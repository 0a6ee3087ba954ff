"""Contract of a storage driver: layers as directory trees that can be stacked.

A *layer* has an id (64 hex digits: the chain ID of an image layer, or a random
id for a container's writable layer) and parents, given **topmost first** by the
caller on each call: the engine's database knows the graph, the driver does not.

The driver owns `home` (below the graph root) and nothing else. The engine holds
a lock on the layer id around `create`, `apply` and `remove`; what it discards
nobody makes.

Clauses
    STORAGE-PROBE           a probe that says no says why, also before there is a home; it
                            leaves nothing.
    STORAGE-STACK           upper layers win and all else shows through, also for more than 100
                            parents and odd paths; nothing is written to a parent.
    STORAGE-WHITEOUT        what an archive hides of the parents (image-spec layer.md) is gone.
    STORAGE-ATTRIBUTES      kinds, modes, owners, times, xattrs and links are as the archive says.
    STORAGE-CORRUPT         a missing parent is Corrupt, naming it.
    STORAGE-APPLY-ATOMIC    after `apply` or `create` returned, the layer is complete
                            and on disk (survives a kill); if it raised or was killed,
                            `exists` is False, and the next `collect` clears what is left.
    STORAGE-APPLY-SAFE      nothing in an archive touches anything outside the layer.
    STORAGE-APPLY-PARALLEL  a driver with `independent_layers` unpacks a layer before
                            its parents exist, in several threads and processes at once.
    STORAGE-MOUNT-IDEMPOTENT  mounting what is mounted returns the same path;
                            unmounting what is not mounted is no error.
    STORAGE-DIFF-ROUNDTRIP  applying `diff` of a layer gives an equal tree:
                            names, kinds, modes, owners, times, xattrs, links, holes, devices.
    STORAGE-RENAME          a driver with `renames` gives a layer another id, and it is the same.
    STORAGE-VIEW            a driver with `views` shows a layer read-only at any place, with the
                            host's ids of a map, beside all its other mounts.
    STORAGE-LINK            a driver with `links` has a layer of another home as its own, without
                            ever changing it there; with a record of its archive, `diff` gives
                            that archive, byte by byte.
    STORAGE-REMOVE-IDEMPOTENT  removing an unknown layer is no error.
    STORAGE-REMOVE-WINS     `unmount`, `remove` and `discard` win over open files.
    STORAGE-COLLECT         `collect` spares complete layers and what a living process makes.
    STORAGE-CHANGES         `changes` tells added, changed and deleted paths, sorted.
    STORAGE-USAGE           `usage` counts the layer alone; hard links count once.
    STORAGE-LAYERS          `layers` gives the complete layers, `exists` says the same.
    STORAGE-ID-MAPS         a mapped mount shows the host's ids, `diff` the container's; a map
                            that the kernel refuses is a typed error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Literal

    from ..streams import Readable, Writable
    from .probe import Probe

    ChangeKind = Literal["A", "C", "D"]


class IdMap(Value):
    """One row of a uid or gid map: `size` ids from `container` on are `host` on the host."""

    container: int
    host: int
    size: int


class MountOptions(Value):
    """How to mount a layer.

    read_only: no writable layer on top (image mounts).
    uid_map, gid_map: the user namespace of the container; files owned by 0 inside
        belong to `host` outside. Empty: no mapping.
    label: SELinux mount label, or "".
    extra: driver options from `--storage-opt` of this container, as "key=value".
    """

    read_only: bool = False
    uid_map: tuple[IdMap, ...] = ()
    gid_map: tuple[IdMap, ...] = ()
    label: str = ""
    extra: tuple[str, ...] = ()


class LayerUsage(Value):
    """Space of one layer without its parents: bytes of content and number of inodes."""

    size: int
    inodes: int


class Change(Value):
    """One path that differs from the parents: Added, Changed or Deleted. `path` is absolute."""

    kind: ChangeKind
    path: str


class StorageDriver(ABC):
    """Base of all storage drivers. Constructed as `Driver(home, options)`.

    home: the driver's own directory, created by it when first needed.
    options: the driver's `[storage.options.<name>]` table and `--storage-opt` pairs.
    """

    contract_version: ClassVar[int] = 1
    name: ClassVar[str]
    independent_layers: ClassVar[bool] = False
    renames: ClassVar[bool] = False
    views: ClassVar[bool] = False
    links: ClassVar[bool] = False

    def __init__(self, home: str, options: dict[str, Any] | None = None) -> None:
        self.home = home
        self.options = options or {}

    @abstractmethod
    def probe(self) -> Probe:
        """Whether this driver works with `home` on this machine. Cheap, leaves nothing."""

    @abstractmethod
    def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
        """Unpack an uncompressed layer tar (OCI image-spec layer.md) as a new layer.

        Raises UnsafeArchive, Corrupt, NoSpace.
        """

    @abstractmethod
    def create(self, layer: str, parents: Sequence[str]) -> None:
        """Make an empty layer over `parents`, to be written to through `mount`."""

    @abstractmethod
    def exists(self, layer: str) -> bool:
        """Whether the layer is there and complete."""

    @abstractmethod
    def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> str:
        """Mount the layer over its parents and return the root directory of the result.

        Works for more than 100 parents. Raises NoSuchImage never: a missing parent is Corrupt.
        """

    @abstractmethod
    def unmount(self, layer: str) -> None:
        """Undo `mount`; lazily when busy, so that removal always wins."""

    @abstractmethod
    def diff(self, layer: str, parents: Sequence[str], out: Writable) -> None:
        """Write the layer's own content as an uncompressed OCI layer tar, sorted by path."""

    @abstractmethod
    def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
        """The paths that differ from the parents, sorted, as `podman diff` tells them."""

    @abstractmethod
    def usage(self, layer: str) -> LayerUsage:
        """Space of the layer alone."""

    def describe(self, layer: str, parents: Sequence[str]) -> dict[str, str]:
        """Where a layer is, for `inspect`'s GraphDriver.Data (overlay: LowerDir, UpperDir, ...)."""
        return {}

    @abstractmethod
    def remove(self, layer: str) -> None:
        """Delete the layer; the caller knows that nothing stands on it."""

    def discard(self, layer: str) -> None:
        """As `remove`, but quick: gone for everyone at once, while what it takes on disk may be
        left to `collect`. Nothing there is no error.
        """
        self.remove(layer)

    def rename(self, layer: str, name: str) -> None:
        """Give a complete layer, which nothing stands on and which is not mounted, another id.

        Only asked of drivers that set `renames`: theirs are unpacked before their digests are
        known. There is no layer of that id.
        """
        raise NotImplementedError

    def link(self, layer: str, directory: str, record: str = "") -> None:
        """Have a complete layer of another home here, for reading; it stays there.

        directory: the layer's in a home of this driver, or in one of containers/storage's driver
        of the same name, where that has the same form; its id may be another there.
        record: of the layer's archive (archive/tar_split.py), where there is one: `diff` then
        writes that very archive.

        Only asked of drivers that set `links`, and for a layer that does not exist here. When it
        goes there, `exists` is False here, and `link` and `apply` put another in its place.
        Raises NotSupported for a layer of a form that this driver cannot show.
        """
        raise NotImplementedError

    def elsewhere(self, layer: str) -> str:
        """Where the files of a layer are that `link` made, also when they are gone; else ""."""
        return ""

    def archive_size(self, layer: str) -> int | None:
        """Bytes of the archive that a linked layer was unpacked from, if `diff` writes that very
        archive; else None. Raises Corrupt for a record that is damaged.
        """
        return None

    def view(self, layer: str, parents: Sequence[str], target: str, options: MountOptions) -> None:
        """Mount a complete layer over its parents, read-only, at a directory of the caller's, with
        owners as the maps of `options` say. The caller unmounts it.

        Only asked of drivers that set `views`. Raises NotSupported where this kernel or file
        system shows no files with other owners.
        """
        raise NotImplementedError

    @abstractmethod
    def layers(self) -> Iterator[str]:
        """Ids of all complete layers (checks only: scans directories)."""

    @abstractmethod
    def collect(self) -> None:
        """Delete what killed processes left half done. Never touches complete layers."""
