"""Containers' layers whose files on disk belong to the ids of a user namespace.

What such a container writes belongs on disk to whom the host sees; `idmap` in the layer's
directory keeps its maps, so that diffs count back. Its parents show through idmapped
mounts (idmap.py) where that is possible. Where it is not, on older kernels and some file
systems, and always for vfs, the layer is copied once with all that it shows of its parents,
owned as the maps say, and the copy takes its place at once: `copied` in the record.
"""

from __future__ import annotations

import json
import os

from ..archive.ids import IdMaps
from ..contracts.storage import IdMap, MountOptions
from ..linux.syscalls import MNT_DETACH, MS_RDONLY, unmount
from ..value import Value
from . import staging, trees
from .changes import tree_changes
from .copy import copy_tree
from .overlay_mount import mount_overlay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ..contracts.storage import Change, StorageDriver
    from ..streams import Writable

_FILE = "idmap"


class Record(Value):
    """The maps that a layer's files were given to, and whether its parents' were with it."""

    maps: IdMaps
    copied: bool

    @property
    def for_diffs(self) -> IdMaps:
        """The maps, and root for what the engine itself made in the layer."""
        return IdMaps(*(_with_root(rows) for rows in (self.maps.uid, self.maps.gid)))


def _with_root(rows: tuple[IdMap, ...]) -> tuple[IdMap, ...]:
    return (*rows, IdMap(0, 0, 1))  # the first row that fits counts


def wanted(options: MountOptions) -> IdMaps:
    """The maps of a mount; one for the other when only one is given."""
    return IdMaps(options.uid_map or options.gid_map, options.gid_map or options.uid_map)


def recorded(directory: str) -> Record | None:
    """What was noted for a layer, or None."""
    try:
        with open(f"{directory}/{_FILE}", encoding="ascii") as file:
            found = json.load(file)
    except FileNotFoundError:
        return None
    maps = (tuple(IdMap(*row) for row in found[kind]) for kind in ("uid", "gid"))
    return Record(IdMaps(*maps), found["copied"])


def _note(directory: str, record: Record) -> None:
    rows: dict[str, object] = {
        kind: [(row.container, row.host, row.size) for row in found]
        for kind, found in (("uid", record.maps.uid), ("gid", record.maps.gid))
    }
    with open(f"{directory}/{_FILE}", "w", encoding="ascii") as file:
        json.dump({**rows, "copied": record.copied}, file)


def shift_tree(home: str, layer: str, options: MountOptions) -> None:
    """Give a whole tree (`home/LAYER/tree`) to other owners. Nothing to do is nothing."""
    before, after = recorded(f"{home}/{layer}"), Record(wanted(options), True)
    if before == after:
        return
    with staging.Birth(home, layer, replace=True) as path:
        copy_tree(os.path.realpath(f"{home}/{layer}/tree"), f"{path}/tree")
        trees.shift(f"{path}/tree", before.for_diffs if before else None, after.maps)
        _note(path, after)


def shift_overlay(
    home: str, layer: str, parents: Sequence[str], options: MountOptions, *, copied: bool
) -> None:
    """Give a writable overlay layer, and with `copied` all it shows of its parents, away."""
    before, after = recorded(f"{home}/{layer}"), Record(wanted(options), copied)
    if before == after:
        return
    with staging.Birth(home, layer, replace=True) as path:
        copy_tree(f"{home}/{layer}/diff", f"{path}/diff")
        for name in ("work", "merged"):
            os.mkdir(f"{path}/{name}", 0o700)
        lowers = [f"{home}/{parent}/diff" for parent in parents] if copied else []
        if lowers:
            mount_overlay(f"{path}/merged", lowers, f"{path}/diff", f"{path}/work")
        try:
            root = f"{path}/{'merged' if lowers else 'diff'}"
            trees.shift(root, before.for_diffs if before else None, after.maps)
        finally:
            if lowers:
                unmount(f"{path}/merged", MNT_DETACH)
        _note(path, after)


def overlay_changes_by_trees(
    driver: StorageDriver, home: str, layer: str, parents: Sequence[str]
) -> list[Change]:
    """The changes of an overlay layer that its upper directory alone does not tell."""
    record = recorded(f"{home}/{layer}")
    with _Views(driver, home, layer, parents) as (now, before):
        return list(tree_changes(now, before, record.for_diffs if record else None))


def overlay_diff(
    driver: StorageDriver, home: str, layer: str, parents: Sequence[str], out: Writable
) -> None:
    """The diff of such a layer."""
    record = recorded(f"{home}/{layer}")
    with _Views(driver, home, layer, parents) as (now, before):
        write_changes(now, before, out, record.for_diffs if record else None)


def write_changes(root: str, parent: str | None, out: Writable, ids: IdMaps | None) -> None:
    """Write what differs between two whole trees as a layer's archive."""
    from ..archive.create import write_tree
    from ..archive.whiteouts import DELETE

    kept: list[str] = []
    removed: list[str] = []
    for change in tree_changes(root, parent, ids):
        (removed if change.kind == "D" else kept).append(change.path.lstrip("/"))
    write_tree(root, out, whiteouts=DELETE, only=kept, removed=removed, ids=ids)


class _Views:
    """`with`: a layer and its parents as whole trees, mounted for as long as needed."""

    def __init__(
        self, driver: StorageDriver, home: str, layer: str, parents: Sequence[str]
    ) -> None:
        self._driver = driver
        self._layer = layer
        self._parents = parents
        self._lowers = [f"{home}/{parent}/diff" for parent in parents]
        self._merged = f"{home}/{layer}/merged"
        self._scratch = staging.Scratch(home)
        self._mounted = False

    def __enter__(self) -> tuple[str, str]:
        path = self._scratch.__enter__()
        try:
            for name in ("before", "empty", "nothing"):
                os.mkdir(f"{path}/{name}")
            below = [*self._lowers, f"{path}/empty", f"{path}/nothing"]
            mount_overlay(f"{path}/before", below, flags=MS_RDONLY)
            self._mounted = not os.path.ismount(self._merged)
            if self._mounted:  # else a container runs in it
                self._driver.mount(self._layer, self._parents, MountOptions())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self._merged, f"{path}/before"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mounted:
            self._driver.unmount(self._layer)
        self._scratch.__exit__(kind, error, trace)
