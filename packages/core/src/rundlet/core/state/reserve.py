"""Space and inodes that are kept beside the state file, and given up when the disk is full.

SQLite needs some pages of the disk and two files to delete a row, and even to read one: without
them, what would free space (rm, prune) could not be done.
"""

from __future__ import annotations

import os

SIZE = 256 << 10
"""Bytes: SQLite's shared file, and the log of some hundred small changes."""
INODES = 16
"""Files: SQLite's two, and what a removal makes before it frees others."""
_NAME = "state.db-reserve"
_INODES = "state.db-inodes"
_PLENTY = 16  # times SIZE and INODES: so much must be free before they are taken


def keep(graph_root: str) -> None:
    """Take both, where they are not taken and much more is free. Never fails."""
    path = os.path.join(graph_root, _NAME)
    if os.path.exists(path) or _is_short(graph_root, _PLENTY * SIZE, _PLENTY * INODES):
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)
        finally:
            os.close(descriptor)
        for name in _empty_files(graph_root):
            os.makedirs(os.path.dirname(name), mode=0o700, exist_ok=True)
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError:
        pass  # a file system that is only read, or that cannot: then there is none


def use(graph_root: str) -> bool:
    """Free what is kept if it is needed; whether that was so, and there was any."""
    if not is_needed(graph_root):
        return False
    freed = False
    for path in (os.path.join(graph_root, _NAME), *_empty_files(graph_root)):
        try:
            os.unlink(path)
            freed = True
        except OSError:
            pass  # there is none, or another process has just given it up
    return freed


def is_needed(graph_root: str) -> bool:
    """Whether so little is free that a change might not be written, nor anything read."""
    return _is_short(graph_root, SIZE // 2, INODES // 2)


def _empty_files(graph_root: str) -> list[str]:
    return [os.path.join(graph_root, _INODES, str(number)) for number in range(INODES)]


def _is_short(directory: str, size: int, inodes: int) -> bool:
    """Whether less is free; file systems that make inodes as they need them say that of none."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return True
    if found.f_bavail * found.f_frsize < size:
        return True
    return found.f_files > 0 and found.f_favail < inodes
