"""What differs between a layer and its parents, as `podman diff` tells it (A, C, D)."""

from __future__ import annotations

import os
import stat

from ..contracts.storage import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OPAQUE = "trusted.overlay.opaque"


def overlay_changes(diff: str, parents: Sequence[str]) -> Iterator[Change]:
    """The changes that an overlayfs upper directory holds, sorted by path.

    parents: the diff directories below it, topmost first. A directory that merely contains
    a change is "C", as in podman.
    """
    for path, info in _walk(diff):
        inner = path.removeprefix(diff)
        below = _visible(inner, parents)
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
            if below:
                yield Change("D", inner)
        else:
            yield Change("C" if below else "A", inner)


def _visible(inner: str, parents: Sequence[str]) -> bool:
    """Whether a path shows through from the parents: not whited out on the way down."""
    for parent in parents:
        try:
            info = os.lstat(parent + inner)
        except (FileNotFoundError, NotADirectoryError):
            if _hidden(inner, parent):
                return False
            continue
        return not (stat.S_ISCHR(info.st_mode) and info.st_rdev == 0)
    return False


def _hidden(inner: str, parent: str) -> bool:
    """Whether this parent hides the path for all below it: an opaque or removed ancestor."""
    above = os.path.dirname(inner)
    while above != "/":
        path = parent + above
        try:
            info = os.lstat(path)
            if not stat.S_ISDIR(info.st_mode):
                return True
            if os.getxattr(path, _OPAQUE, follow_symlinks=False) == b"y":
                return True
        except OSError:
            pass
        above = os.path.dirname(above)
    return False


def tree_changes(root: str, parent: str | None) -> Iterator[Change]:
    """The changes between two whole trees, sorted by path; no parent: all is added."""
    now = dict(_walk(root))
    before = dict(_walk(parent)) if parent else {}
    mine = {path.removeprefix(root): info for path, info in now.items()}
    theirs = {path.removeprefix(parent or ""): info for path, info in before.items()}
    changed = {
        inner
        for inner, info in mine.items()
        if inner in theirs and not _same(root + inner, info, f"{parent}{inner}", theirs[inner])
    }
    added, gone = mine.keys() - theirs.keys(), theirs.keys() - mine.keys()
    for inner in sorted(added | changed | gone):
        if inner in gone and os.path.dirname(inner) in gone:
            continue  # the directory says it all
        yield Change("D" if inner in gone else "A" if inner in added else "C", inner)


def _same(path: str, info: os.stat_result, other: str, before: os.stat_result) -> bool:
    """Whether two paths are the same by their attributes (content by size and time)."""
    if (info.st_mode, info.st_uid, info.st_gid, info.st_rdev) != (
        before.st_mode,
        before.st_uid,
        before.st_gid,
        before.st_rdev,
    ):
        return False
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(path) == os.readlink(other)
    if not stat.S_ISDIR(info.st_mode) and (info.st_size, info.st_mtime_ns) != (
        before.st_size,
        before.st_mtime_ns,
    ):
        return False
    return _xattrs(path) == _xattrs(other)


def _xattrs(path: str) -> dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:
        return {}


def _walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every path below root with its lstat, sorted, parents first."""
    stack = [root]
    while stack:
        path = stack.pop()
        info = os.lstat(path)
        if path != root:
            yield path, info
        if stat.S_ISDIR(info.st_mode):
            stack += sorted((entry.path for entry in os.scandir(path)), reverse=True)
