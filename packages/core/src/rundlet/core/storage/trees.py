"""What directory-tree drivers share: atomic births, removal, usage, tree comparison."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from contextlib import contextmanager

from ..archive.remove import remove_tree
from ..contracts.storage import LayerUsage
from ..errors import NoSpace, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

STAGING = "staging"


@contextmanager
def birth(home: str, layer: str) -> Iterator[str]:
    """A directory that becomes `home/layer` when the block ends well, and vanishes else.

    Everything written below it is made durable with one syncfs before the rename.
    """
    staging = os.path.join(home, STAGING)
    path = os.path.join(staging, f"{layer}-{os.getpid()}-{secrets.token_hex(4)}")
    os.makedirs(path, mode=0o700)
    try:
        yield path
        _sync(path)
        os.rename(path, os.path.join(home, layer))
    except OSError as error:
        remove(path)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(
                f"no space left below {home}", remedy="Free some space: rundlet system prune"
            ) from None
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and os.path.exists(
            os.path.join(home, layer)
        ):
            return  # another process finished the same layer first: equal content by its id
        raise
    except BaseException:
        remove(path)
        raise


def _sync(path: str) -> None:
    """Flush the file system that holds `path`: far cheaper than an fsync per file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        from ..linux.syscalls import syncfs

        syncfs(descriptor)
    finally:
        os.close(descriptor)


def remove(path: str) -> None:
    """Delete a tree, whatever modes it has; no error when it is not there."""
    parent = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        remove_tree(os.fsencode(os.path.basename(path)), parent)
    except FileNotFoundError:
        pass
    finally:
        os.close(parent)


def collect(home: str, alive: object = None) -> None:
    """Delete what dead processes left in the staging directory."""
    staging = os.path.join(home, STAGING)
    try:
        names = os.listdir(staging)
    except FileNotFoundError:
        return
    for name in names:
        owner = name.rsplit("-", 2)[1]
        if not owner.isdigit() or not os.path.exists(f"/proc/{owner}"):
            remove(os.path.join(staging, name))


def usage(root: str) -> LayerUsage:
    """Content bytes and inodes below a directory; hard links count once."""
    size = inodes = 0
    seen: set[tuple[int, int]] = set()
    stack = [root]
    while stack:
        with os.scandir(stack.pop()) as found:
            for item in found:
                info = item.stat(follow_symlinks=False)
                if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
                    if (info.st_dev, info.st_ino) in seen:
                        continue
                    seen.add((info.st_dev, info.st_ino))
                inodes += 1
                if stat.S_ISDIR(info.st_mode):
                    stack.append(item.path)
                elif stat.S_ISREG(info.st_mode):
                    size += info.st_size
    return LayerUsage(size, inodes)


def require_directory(path: str, what: str) -> None:
    """Raise StoreError when a layer that must be there is not."""
    if not os.path.isdir(path):
        raise StoreError(
            f"{what} is missing from the store: {path}",
            remedy="Run rundlet system check, then pull the image again.",
        )


def free_bytes(path: str) -> int:
    """Space left on the file system of `path`."""
    return shutil.disk_usage(path).free
