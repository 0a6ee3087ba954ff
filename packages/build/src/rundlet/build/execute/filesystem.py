"""Changes to a root directory that steps make themselves; no name leads outside of it."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from rundlet.core.archive.beneath import Beneath, lookup
from rundlet.core.archive.create import write_tree
from rundlet.core.archive.extract import extract
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.content.produced import Produced
from rundlet.core.errors import NotFound, UnsafeArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.streams import Readable


@contextmanager
def opened(root: str) -> Iterator[int]:
    """A descriptor of a root directory."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def real_path(root: str, path: str) -> str:
    """Where a path below a root is on the host, links followed below the root.

    Raises NotFound where something on the way is missing; the last name may be.
    """
    with opened(root) as descriptor:
        try:
            directory, name = lookup(descriptor, os.fsencode(path))
        except (FileNotFoundError, NotADirectoryError, UnsafeArchive):
            raise NotFound(f"{path}: no such file or directory") from None
        try:
            parent = os.readlink(f"/proc/self/fd/{directory}")
        finally:
            os.close(directory)
    return parent if name == b"." else os.path.join(parent, os.fsdecode(name))


def status(root: str, path: str) -> os.stat_result | None:
    """Of a path below a root, links followed; None where there is nothing."""
    try:
        return os.lstat(real_path(root, path))
    except (NotFound, FileNotFoundError):
        return None


def is_directory(root: str, path: str) -> bool:
    """Whether there is a directory at a path below a root."""
    found = status(root, path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def resolved(root: str, path: str) -> tuple[str, list[str] | None]:
    """(the real path of the deepest directory on the way to `path` that is there, relative to
    the root; the names that are missing after it, None where something else is in their place).
    """
    base = os.path.realpath(root)
    names = [name for name in path.split("/") if name]
    real = ""
    for number, name in enumerate(names):
        found = status(root, f"{real}/{name}")
        if found is None:
            there = os.path.lexists(f"{base}/{real}/{name}")  # a link that leads nowhere
            return real, None if there else names[number:]
        if not stat.S_ISDIR(found.st_mode):
            return real, None
        real = real_path(root, f"{real}/{name}")[len(base) :].lstrip("/")
    return real, []


def make_directories(root: str, path: str, uid: int, gid: int) -> None:
    """Make a directory and those above it, where missing, with mode 0755 and this owner.

    Raises UnsafeArchive where something on the way is no directory.
    """

    def made(descriptor: int) -> None:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, 0o755)

    with opened(root) as descriptor:
        names = [os.fsencode(name) for name in path.split("/") if name not in ("", ".")]
        beneath = Beneath(descriptor, made)
        try:
            beneath.directory(names)
        finally:
            beneath.forget()


def unpack(root: str, tar: Readable) -> None:
    """Unpack a tar of paths relative to a root. Raises what `extract` does."""
    with opened(root) as descriptor:
        extract(tar, descriptor, whiteouts=PLAIN, keep_kinds=True)


def copy_tree(source: str, target: str) -> None:
    """Copy what is in a directory into another one, with owners, modes and links."""
    with Produced(lambda out: write_tree(source, out, whiteouts=PLAIN)) as tar:
        unpack(target, tar)


def unpack_below(root: str, path: str, tar: Readable) -> None:
    """Unpack a tar of paths relative to a directory below a root, owners as in the archive."""
    with opened(real_path(root, path)) as descriptor:
        extract(tar, descriptor, whiteouts=PLAIN)
