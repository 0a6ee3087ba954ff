"""Layers whose files were given to a user namespace's owners, where mounts cannot be mapped.

Older kernels and some file systems have no idmapped mounts. Then a container's layer is
copied once, with all that it shows of its parents owned as the maps say, and the copy takes
its place at once. What the owners were is kept in `idmap` beside it: diffs count back.
"""

from __future__ import annotations

import json
import os

from ..archive.ids import IdMaps
from ..contracts.storage import IdMap, MountOptions
from ..linux.syscalls import MNT_DETACH, MS_RDONLY, unmount
from . import staging, trees
from .changes import tree_changes
from .copy import copy_tree
from .overlay_mount import mount_overlay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import BinaryIO

    from ..contracts.storage import Change, StorageDriver

_FILE = "idmap"


def wanted(options: MountOptions) -> IdMaps:
    """The maps of a mount; one for the other when only one is given."""
    return IdMaps(options.uid_map or options.gid_map, options.gid_map or options.uid_map)


def recorded(directory: str) -> IdMaps | None:
    """The maps that a layer's files were given to, or None."""
    try:
        with open(f"{directory}/{_FILE}", encoding="ascii") as file:
            found = json.load(file)
    except FileNotFoundError:
        return None
    return IdMaps(*(tuple(IdMap(*row) for row in found[kind]) for kind in ("uid", "gid")))


def record(directory: str, maps: IdMaps) -> None:
    """Note the maps of a layer that is being made."""
    rows = {
        kind: [(row.container, row.host, row.size) for row in found]
        for kind, found in (("uid", maps.uid), ("gid", maps.gid))
    }
    with open(f"{directory}/{_FILE}", "w", encoding="ascii") as file:
        json.dump(rows, file)


def shift_tree(home: str, layer: str, options: MountOptions) -> None:
    """Give a whole tree (`home/LAYER/tree`) to other owners. Nothing to do is nothing."""
    before, after = recorded(f"{home}/{layer}"), wanted(options)
    if before == after:
        return
    with staging.Birth(home, layer, replace=True) as path:
        copy_tree(f"{home}/{layer}/tree", f"{path}/tree")
        trees.shift(f"{path}/tree", before, after)
        record(path, after)


def shift_overlay(home: str, layer: str, parents: Sequence[str], options: MountOptions) -> None:
    """Give a writable overlay layer, and all it shows of its parents, to other owners."""
    before, after = recorded(f"{home}/{layer}"), wanted(options)
    if before == after:
        return
    with staging.Birth(home, layer, replace=True) as path:
        copy_tree(f"{home}/{layer}/diff", f"{path}/diff")
        for name in ("work", "merged"):
            os.mkdir(f"{path}/{name}", 0o700)
        lowers = [f"{home}/{parent}/diff" for parent in parents]
        if lowers:
            mount_overlay(f"{path}/merged", lowers, f"{path}/diff", f"{path}/work")
        try:
            trees.shift(f"{path}/{'merged' if lowers else 'diff'}", before, after)
        finally:
            if lowers:
                unmount(f"{path}/merged", MNT_DETACH)
        record(path, after)


def overlay_changes_by_trees(
    driver: StorageDriver, home: str, layer: str, parents: Sequence[str]
) -> list[Change]:
    """The changes of an overlay layer that its upper directory alone does not tell."""
    ids = recorded(f"{home}/{layer}")
    with _Views(driver, home, layer, parents) as (now, before):
        return list(tree_changes(now, before, ids))


def overlay_diff(
    driver: StorageDriver, home: str, layer: str, parents: Sequence[str], out: BinaryIO
) -> None:
    """The diff of such a layer."""
    ids = recorded(f"{home}/{layer}")
    with _Views(driver, home, layer, parents) as (now, before):
        write_changes(now, before, out, ids)


def write_changes(root: str, parent: str | None, out: BinaryIO, ids: IdMaps | None) -> None:
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
