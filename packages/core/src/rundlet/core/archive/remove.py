"""Removing trees below a directory descriptor."""

from __future__ import annotations

import os
import stat
from errno import EBUSY, ENOTEMPTY, EXDEV

from ..errors import StoreError
from ..linux.syscalls import open_unmounted
from .beneath import DIRECTORY_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Keep = Callable[[tuple[bytes, ...]], bool]


def remove_tree(name: bytes, parent: int) -> None:
    """Remove what is at `name` below `parent`, a file or a whole tree; nothing is no error.

    Follows no links. What is mounted in it is not emptied: OSError EBUSY. Needs neither recursion
    nor a descriptor for each level, because a hostile tree may be deeper than either allows.
    """
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=parent)
        return
    directory = _open(name, parent)
    try:
        empty(directory)
    finally:
        os.close(directory)
    os.rmdir(name, dir_fd=parent)


def empty(directory: int, keep: Keep | None = None) -> None:
    """Remove all that is in a directory, but what `keep` says of its path (names) below it.

    A directory with something kept in it stays.
    """
    walk = _Walk(os.dup(directory), keep)
    try:
        walk.run()
    finally:
        os.close(walk.here)


class _Walk:
    """Depth first, with one descriptor: down by name, up by `..` and a check that it is so."""

    def __init__(self, directory: int, keep: Keep | None) -> None:
        self.here = directory
        self._keep = keep
        self._path: list[bytes] = []
        self._identities = [_identity(directory)]

    def run(self) -> None:
        pending = [self._remove_files()]
        while True:
            if pending[-1]:
                self._down(pending[-1].pop())
                pending.append(self._remove_files())
            elif self._path:
                self._up()
                pending.pop()
            else:
                return

    def _down(self, name: bytes) -> None:
        below = _open(name, self.here)
        os.close(self.here)
        self.here = below
        self._path.append(name)
        self._identities.append(_identity(below))

    def _up(self) -> None:
        """Back to the directory above, and remove the one we come from."""
        above = os.open(b"..", DIRECTORY_FLAGS, dir_fd=self.here)
        os.close(self.here)
        self.here = above
        self._identities.pop()
        if _identity(above) != self._identities[-1]:
            raise StoreError("a directory was moved while its tree was being removed")
        path = tuple(self._path)
        name = self._path.pop()
        if self._keep is not None and self._keep(path):
            return
        try:
            os.rmdir(name, dir_fd=above)
        except OSError as error:
            if self._keep is None or error.errno != ENOTEMPTY:
                raise

    def _remove_files(self) -> list[bytes]:
        """Remove what is not a directory here; the names of the directories."""
        directories = []
        with os.scandir(self.here) as found:
            for item in found:
                name = os.fsencode(item.name)
                if item.is_dir(follow_symlinks=False):
                    directories.append(name)
                elif self._keep is None or not self._keep((*self._path, name)):
                    os.unlink(name, dir_fd=self.here)
        return directories


def _open(name: bytes, parent: int) -> int:
    try:
        return open_unmounted(name, DIRECTORY_FLAGS, parent)
    except OSError as error:
        if error.errno != EXDEV:
            raise
        raise OSError(EBUSY, "something is mounted on it", os.fsdecode(name)) from None


def _identity(directory: int) -> tuple[int, int]:
    status = os.fstat(directory)
    return status.st_dev, status.st_ino
