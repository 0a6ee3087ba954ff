"""Reading files of a container's root file system as the container would see them.

A symbolic link in an image may point anywhere; opened from outside, `/etc/passwd`
could be the host's. Every name is resolved one component at a time below a directory
descriptor, absolute links and `..` count from the container's root.
"""

from __future__ import annotations

import os
import stat

from ..errors import InvalidArgument

_LINKS = 40  # as the kernel, path_resolution(7)
_LARGEST = 1 << 20


def read_text(root: str, path: str) -> str:
    """The text of a regular file in `root`; "" where it is missing or is no regular file.

    At most 1 MiB is read: an image must not be able to fill our memory. Raises
    InvalidArgument for a loop of symbolic links.
    """
    descriptor = open_beneath(root, path)
    if descriptor < 0:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.pread(descriptor, _LARGEST, 0).decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)


def open_beneath(root: str, path: str) -> int:
    """Open a file of `root` for reading, never outside it: a descriptor, -1 if it is not there."""
    opened = [os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        return _walk(opened, path)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _walk(opened: list[int], path: str) -> int:
    """Resolve `path`; `opened` holds the directories from the root to where we are."""
    todo = path.split("/")[::-1]
    links = 0
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            if len(opened) > 1:
                os.close(opened.pop())
            continue
        kind = os.stat(name, dir_fd=opened[-1], follow_symlinks=False).st_mode
        if stat.S_ISLNK(kind):
            links += 1
            if links > _LINKS:
                raise InvalidArgument(f"{path}: too many symbolic links in the image")
            target = os.readlink(name, dir_fd=opened[-1])
            if target.startswith("/"):
                while len(opened) > 1:
                    os.close(opened.pop())
            todo += target.split("/")[::-1]
        elif any(part not in ("", ".") for part in todo):
            flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            opened.append(os.open(name, flags, dir_fd=opened[-1]))
        else:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(name, flags, dir_fd=opened[-1])
    return -1
