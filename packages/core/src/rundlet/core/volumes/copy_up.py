"""Filling a new volume with what the image has where it is mounted.

The content is copied beside the volume first, then moved into it name by name: a kill at any
moment leaves an empty volume, or one that the next start goes on to fill.
"""

from __future__ import annotations

import os

from ..archive.beneath import Beneath
from ..errors import UnsafeArchive
from ..linux.mounts import is_mounted
from ..storage import staging
from ..storage.copy import copy_attributes, copy_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def copy_up(
    data: str,
    rootfs: str,
    destination: str,
    *,
    owner: Callable[[], tuple[int, int]],
    fixed: tuple[int | None, int | None] | None,
    content: bool,
) -> bool:
    """Copy `destination` of a mounted root file system into the empty directory `data`.

    owner: whom `data` is given to where the image has no such directory. fixed: owners that the
    volume's options give, which win. content: False for the directory's owner and mode alone.
    False where nothing was there to copy: the volume is as new, and may be filled where it is
    mounted next.
    """
    base = os.path.dirname(data)
    copying, copied = os.path.join(base, "_copying"), os.path.join(base, "_copied")
    staging.delete(copying)
    if os.path.isdir(copied):  # a kill came while it was moved
        _move(copied, data)
        return True
    if os.listdir(data):
        return True
    source = _inside(rootfs, destination)
    if source < 0:
        if fixed is None and _is_new(data):
            os.chown(data, *owner())
        return False
    try:
        path = f"/proc/self/fd/{source}/."
        if not content or not os.listdir(path):
            if fixed is None and _is_new(data):
                copy_attributes(path, data, os.stat(path))
            return False
        _fill(data, path, copying, copied)
    finally:
        os.close(source)
    if fixed is not None:
        os.chown(data, *(-1 if number is None else number for number in fixed))
    return True


def _fill(data: str, source: str, copying: str, copied: str) -> None:
    """Copy the content by way of a directory beside `data`: all of it comes, or nothing."""
    if is_mounted(data):  # nothing can be moved there from beside
        copy_tree(source, data, exists=True)
        return
    try:
        copy_tree(source, copying)
    except BaseException:
        staging.delete(copying)  # the disk may be full
        raise
    os.rename(copying, copied)
    _move(copied, data)


def _is_new(data: str) -> bool:
    """Whether nobody gave a volume's directory an owner or a mode since it was made."""
    info = os.stat(data)
    return (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (0, 0, 0o755)


def _move(copied: str, data: str) -> None:
    info = os.lstat(copied)  # moving changes its times
    for name in os.listdir(copied):
        os.rename(os.path.join(copied, name), os.path.join(data, name))
    copy_attributes(copied, data, info)
    os.rmdir(copied)


def _inside(rootfs: str, destination: str) -> int:
    """A descriptor of a directory in the root file system, or -1 when it is not one."""
    root = os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    beneath = Beneath(root, lambda made: None)
    try:
        names = [os.fsencode(name) for name in destination.split("/") if name not in ("", ".")]
        return os.dup(beneath.directory(names, make=False))
    except (OSError, UnsafeArchive):
        return -1
    finally:
        beneath.close()
        os.close(root)
