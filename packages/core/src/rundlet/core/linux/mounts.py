"""What is mounted in this mount namespace: proc(5), /proc/PID/mountinfo."""

from __future__ import annotations

import os

from ..value import Value
from .syscalls import MNT_DETACH, unmount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = "/proc/self/mountinfo"

# fs/namespace.c, fs/proc_namespace.c: what the kernel writes as octal numbers. The backslash is
# undone last, or what stood behind it would be taken for a number.
_ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\043", "#"), ("\\134", "\\"))


class Mount(Value):
    """A line of mountinfo.

    point: where it is mounted, as seen from our root. kind: the type of file system ("ext4",
    "cgroup2"). options: the file system's own, with commas between.
    """

    point: str
    kind: str
    options: str


def mounts(kind: str = "", table: str = OURS) -> Iterator[Mount]:
    """The mounts in the order of the table: what is mounted over another comes after it.

    kind: only those whose type begins so. table: the file that is read. Raises OSError.
    """
    wanted = f" - {kind}"  # hundreds of lines, of which few are asked for, are not taken apart
    with open(table, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            if wanted in line:
                left, _, right = line.rstrip("\n").partition(" - ")
                name, _, options = right.split(" ", 2)
                yield Mount(_plain(left.split(" ", 5)[4]), name, options)


def is_mounted(path: str) -> bool:
    """Whether something is mounted on a path. Raises OSError.

    os.path.ismount does not see what is bound from the same file system.
    """
    real = os.path.realpath(path)
    return any(mount.point == real for mount in mounts())


def detach_below(path: str, *, itself: bool) -> None:
    """Unmount all that is mounted below a directory, the last first. Raises OSError.

    itself: also what is mounted on the directory; a root may be a file system of its own.
    """
    real = os.path.realpath(path)
    for point in reversed([mount.point for mount in mounts()]):
        if point.startswith(os.path.join(real, "")) or (itself and point == real):
            unmount(point, MNT_DETACH)


def _plain(field: str) -> str:
    if "\\" in field:
        for code, character in _ESCAPES:
            field = field.replace(code, character)
    return field
