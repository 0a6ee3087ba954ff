"""Space that is kept beside the state file, and given up when the disk is full.

SQLite needs some pages of the disk to delete a row, and even to read one: without them, what would
free space (rm, prune) could not be done.
"""

from __future__ import annotations

import os

SIZE = 256 << 10
"""Bytes: SQLite's shared file, and the log of some hundred small changes."""
_NAME = "state.db-reserve"
_PLENTY = 16  # times SIZE: so much must be free before it is taken
_SHORT = SIZE // 2


def keep(graph_root: str) -> None:
    """Take the space, where it is not taken and much more is free. Never fails."""
    path = os.path.join(graph_root, _NAME)
    if os.path.exists(path) or _free(graph_root) < _PLENTY * SIZE:
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)
        finally:
            os.close(descriptor)
    except OSError:
        pass  # a file system that is only read, or that cannot: then there is none


def use(graph_root: str) -> bool:
    """Free the space if it is needed; whether that was so, and there was any."""
    if not is_needed(graph_root):
        return False
    try:
        os.unlink(os.path.join(graph_root, _NAME))
    except OSError:
        return False
    return True


def is_needed(graph_root: str) -> bool:
    """Whether so little is free that a change might not be written, nor anything read."""
    return _free(graph_root) < _SHORT


def _free(directory: str) -> int:
    try:
        found = os.statvfs(directory)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
