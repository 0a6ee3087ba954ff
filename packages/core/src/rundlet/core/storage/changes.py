"""What differs between a layer and its parents, as `podman diff` tells it (A, C, D)."""

from __future__ import annotations

import os
import stat

from ..contracts.storage import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..archive.ids import IdMaps

Entry = tuple[str, os.stat_result]


def overlay_changes(diff: str, parents: Sequence[str], opaque: str) -> Iterator[Change]:
    """The changes that an overlayfs upper directory holds, in the order of a sorted walk.

    parents: the directories below it, topmost first. opaque: the xattr that marks opaque
    directories. A directory that merely contains a change is "C", as in podman.
    """
    return _Overlay(opaque).changes("", diff, list(parents), hides=False)


class _Overlay:
    """overlayfs' rules of what shows through (Documentation/filesystems/overlayfs.rst)."""

    def __init__(self, opaque: str) -> None:
        self._opaque = opaque

    def changes(self, path: str, upper: str, lowers: list[str], hides: bool) -> Iterator[Change]:
        """Of one directory. hides: nothing of `lowers` shows through any more."""
        here = _entries(upper)
        gone = self._names(lowers) - here.keys() if hides else set()
        for name in sorted(here.keys() | gone):
            inner = f"{path}/{name}"
            below = self._below(lowers, name)
            if name in gone or _is_whiteout(here[name]):
                if below is not None:
                    yield Change("D", inner)
                continue
            yield Change("A" if below is None else "C", inner)
            if stat.S_ISDIR(here[name].st_mode):
                directory = f"{upper}/{name}"
                hidden = hides or self._is_opaque(directory)
                yield from self.changes(inner, directory, below or [], hidden)

    def _below(self, lowers: list[str], name: str) -> list[str] | None:
        """None: there is nothing; the directories that merge at this name ([]: another kind)."""
        merged: list[str] | None = None
        for lower in lowers:
            path = f"{lower}/{name}"
            try:
                info = os.lstat(path)
            except FileNotFoundError:
                continue
            if _is_whiteout(info):
                break
            if not stat.S_ISDIR(info.st_mode):
                return [] if merged is None else merged
            merged = [*(merged or ()), path]
            if self._is_opaque(path):
                break
        return merged

    def _names(self, lowers: list[str]) -> set[str]:
        names = {name for lower in lowers for name in os.listdir(lower)}
        return {name for name in names if self._below(lowers, name) is not None}

    def _is_opaque(self, directory: str) -> bool:
        try:
            return os.getxattr(directory, self._opaque, follow_symlinks=False) == b"y"
        except OSError:
            return False


def tree_changes(root: str, parent: str | None, ids: IdMaps | None = None) -> Iterator[Change]:
    """The changes between two whole trees, in the order of a sorted walk.

    parent: None: all is added. ids: from the owners in `root` to those in `parent`.
    """
    return _Trees(ids).changes("", root, parent)


class _Trees:
    def __init__(self, ids: IdMaps | None) -> None:
        self._ids = ids

    def changes(self, path: str, root: str, parent: str | None) -> Iterator[Change]:
        """Of one directory. A directory says for all in it that it was added or is gone."""
        here = _entries(root)
        before = _entries(parent) if parent else {}
        for name in sorted(here.keys() | before.keys()):
            inner = f"{path}/{name}"
            if name not in here:
                yield Change("D", inner)
                continue
            now = f"{root}/{name}"
            was = f"{parent}/{name}" if name in before else None
            inside = self._inside(inner, now, was) if stat.S_ISDIR(here[name].st_mode) else ()
            if was is None:
                yield Change("A", inner)
            elif inside or not self._same(now, here[name], was, before[name]):
                yield Change("C", inner)
            yield from inside

    def _inside(self, inner: str, now: str, was: str | None) -> tuple[Change, ...]:
        return tuple(self.changes(inner, now, was if was and _is_directory(was) else None))

    def _same(self, path: str, info: os.stat_result, other: str, before: os.stat_result) -> bool:
        """Whether two paths are the same by their attributes (content by size and time)."""
        owner = (info.st_uid, info.st_gid)
        if self._ids is not None:
            owner = self._ids.to_container(*owner)
        if (info.st_mode, info.st_rdev) != (before.st_mode, before.st_rdev):
            return False
        if owner != (before.st_uid, before.st_gid):
            return False
        if stat.S_ISLNK(info.st_mode):
            return os.readlink(path) == os.readlink(other)
        if not stat.S_ISDIR(info.st_mode) and (
            (info.st_size, info.st_mtime_ns) != (before.st_size, before.st_mtime_ns)
        ):
            return False
        return _xattrs(path) == _xattrs(other)


def _entries(directory: str) -> dict[str, os.stat_result]:
    with os.scandir(directory) as found:
        return {item.name: item.stat(follow_symlinks=False) for item in found}


def _is_whiteout(info: os.stat_result) -> bool:
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _is_directory(path: str) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)


def _xattrs(path: str) -> dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:
        return {}
