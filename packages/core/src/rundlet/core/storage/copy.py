"""Copying a tree as it is: owners, modes, times, xattrs, hard links, holes, devices."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

_FICLONE = 0x40049409  # linux/fs.h: share the blocks, where the file system can (btrfs, xfs)


def copy_tree(source: str, target: str, *, exists: bool = False) -> None:
    """Copy `source` to `target`, which must not exist (with `exists`: be empty). Raises OSError."""
    links: dict[tuple[int, int], str] = {}
    directories: list[tuple[str, str, os.stat_result]] = []
    stack = [(source, target)]
    while stack:
        here, there = stack.pop()
        info = os.lstat(here)
        if stat.S_ISDIR(info.st_mode):
            if not (exists and there == target):
                os.mkdir(there, 0o700)
            directories.append((here, there, info))
            with os.scandir(here) as found:
                stack += [(item.path, os.path.join(there, item.name)) for item in found]
            continue
        if info.st_nlink > 1:
            first = links.setdefault((info.st_dev, info.st_ino), there)
            if first != there:
                os.link(first, there, follow_symlinks=False)
                continue
        _copy_file(here, there, info)
        copy_attributes(here, there, info)
    # Last and from the bottom: what is put into a directory changes its times.
    for here, there, info in reversed(directories):
        copy_attributes(here, there, info)


def _copy_file(here: str, there: str, info: os.stat_result) -> None:
    if stat.S_ISLNK(info.st_mode):
        os.symlink(os.readlink(here), there)
    elif stat.S_ISREG(info.st_mode):
        _content(here, there, info.st_size)
    else:
        os.mknod(there, info.st_mode, info.st_rdev)


def copy_attributes(here: str, there: str, info: os.stat_result) -> None:
    """Owner, mode, extended attributes and times (`info`: what they were at `here`)."""
    os.chown(there, info.st_uid, info.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(info.st_mode):
        os.chmod(there, info.st_mode & 0o7777)
    for name in os.listxattr(here, follow_symlinks=False):
        value = os.getxattr(here, name, follow_symlinks=False)
        try:
            os.setxattr(there, name, value, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.ENOTSUP:  # another file system, with fewer kinds
                raise
    os.utime(there, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)


def _content(here: str, there: str, size: int) -> None:
    """Share the blocks where possible, else copy piece by piece, holes left out."""
    source = os.open(here, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(there, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.ioctl(target, _FICLONE, source)
            except OSError:
                _copy_data(source, target, size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, there) from error  # a write names no file
        finally:
            os.close(target)
    finally:
        os.close(source)


def _copy_data(source: int, target: int, size: int) -> None:
    offset = 0
    while offset < size:
        try:
            start = os.lseek(source, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                break
            raise
        end = os.lseek(source, start, os.SEEK_HOLE)
        while start < end:
            copied = _copy_range(source, target, start, end - start)
            if not copied:  # it was cut meanwhile
                break
            start += copied
        offset = end
    os.ftruncate(target, size)


def _copy_range(source: int, target: int, offset: int, count: int) -> int:
    """In the kernel where it can, copy_file_range(2); else through memory."""
    try:
        return os.copy_file_range(source, target, count, offset, offset)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    return os.pwrite(target, os.pread(source, min(count, 1 << 20), offset), offset)
