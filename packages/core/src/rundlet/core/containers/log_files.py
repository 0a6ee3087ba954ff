"""The files of a log: PATH, which is written, and with `max-file` the older PATH.1, PATH.2, ...

They are renamed while they are read (rotation.py). Who opens them from the newest to the oldest
and knows each by its inode misses none and reads none twice.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

MOST = 1000


def name(path: str, number: int) -> str:
    """The path of the file of a number; 0 is the one that is written."""
    return f"{path}.{number}" if number else path


def opened(path: str) -> list[BinaryIO]:
    """All of them, oldest first; none when there is no log yet. The caller closes them."""
    found: list[BinaryIO] = []
    seen: set[tuple[int, int]] = set()
    for number in range(MOST + 1):
        try:
            file = open(name(path, number), "rb")  # noqa: SIM115 (the caller's)
        except FileNotFoundError:
            if number == 0:  # between its renaming and the new one
                continue
            break
        key = identity(file)
        if key in seen:  # renamed since the last step
            file.close()
            continue
        seen.add(key)
        found.append(file)
    return found[::-1]


def after(path: str, file: BinaryIO) -> list[BinaryIO]:
    """Those that are newer than an open one, oldest first; all when it has been dropped."""
    found = opened(path)
    keys = [identity(one) for one in found]
    mine = identity(file)
    keep = keys.index(mine) + 1 if mine in keys else 0
    for old in found[:keep]:
        old.close()
    return found[keep:]


def newest(path: str, file: BinaryIO) -> bool:
    """Whether an open file is the one that is written, as far as that is there."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return True
    return (there.st_dev, there.st_ino) == identity(file)


def identity(file: BinaryIO) -> tuple[int, int]:
    """Device and inode."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino
