"""Directories below a root, reached without trusting anything in between.

Each step is an open of one name relative to a held directory with O_NOFOLLOW, so the
kernel never follows a symbolic link for us and nothing that another process swaps in
can lead outside. A link in the place of a parent directory is read, and its target
walked in the same way from the root, as if the root were `/`: what chroot gives
containers/storage and containerd, without one.
"""

from __future__ import annotations

import os
from errno import ELOOP, ENOTDIR

from ..errors import UnsafeArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40  # as the kernel's own limit, path_resolution(7)
_DEEPEST = 1024
_LONGEST = 4095  # PATH_MAX without its NUL
_MOST_KEPT = 64
_DOTS = frozenset((b"", b"."))


def components(path: bytes) -> list[bytes]:
    """The names in a path from an archive. Raises UnsafeArchive for one that leaves its root."""
    if path.startswith(b"/"):
        raise UnsafeArchive(f"archive member {shown(path)} has an absolute name")
    if b"\0" in path:
        raise UnsafeArchive(f"archive member {shown(path)} has a NUL in its name")
    names = [name for name in path.split(b"/") if name not in _DOTS]
    if b".." in names:
        raise UnsafeArchive(f"archive member {shown(path)} has '..' in its name")
    if len(path) > _LONGEST or len(names) > _DEEPEST:
        raise UnsafeArchive(f"archive member {shown(path[:80])}... has too long a name")
    return names


def shown(path: bytes) -> str:
    """A path for a message."""
    return repr(path.decode("utf-8", "backslashreplace"))


def lookup(root: int, path: bytes) -> tuple[int, bytes]:
    """Where a path below an open directory leads, links followed as if that were `/`.

    Returns (an open directory, which the caller closes; a name in it, which is no link, and
    may be missing; "." for the directory itself). Raises FileNotFoundError and
    NotADirectoryError for what is on the way, UnsafeArchive for a loop of links.
    """
    pending = path.split(b"/")[::-1]
    steps = [os.dup(root)]
    links = 0
    try:
        while pending:
            name = pending.pop()
            if name in _DOTS:
                continue
            if name == b"..":
                if len(steps) > 1:
                    os.close(steps.pop())
                continue
            target = _link_target(name, steps[-1])
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise UnsafeArchive(f"too many symbolic links on the way to {shown(path)}")
                if target.startswith(b"/"):
                    while len(steps) > 1:
                        os.close(steps.pop())
                pending += target.split(b"/")[::-1]
            elif any(rest not in _DOTS for rest in pending):
                steps.append(os.open(name, DIRECTORY_FLAGS, dir_fd=steps[-1]))
            else:
                return os.dup(steps[-1]), name
        return os.dup(steps[-1]), b"."
    finally:
        for step in steps:
            os.close(step)


class Beneath:
    """Open directories below `root`, the last used ones kept.

    made: called with the descriptor of every directory that had to be made.
    """

    def __init__(self, root: int, made: Callable[[int], None]) -> None:
        self._root = os.dup(root)
        self._made = made
        self._kept: dict[tuple[bytes, ...], int] = {}
        self._by_text: dict[bytes, int] = {}

    def parent(self, text: bytes) -> int:
        """`directory` of a path as an archive writes it, made where missing: the fast way in.

        The descriptor is good until the next call.
        """
        found = self._by_text.get(text)
        if found is None:
            found = self.directory(components(text))
            self._by_text[text] = found
        return found

    def directory(self, names: list[bytes], *, make: bool = True) -> int:
        """A descriptor of the directory, good until the next call.

        With `make` what is missing is made; else FileNotFoundError. Raises UnsafeArchive
        where something on the way is not a directory.
        """
        if len(self._kept) >= _MOST_KEPT:
            self.forget()
        known = len(names)
        while known and tuple(names[:known]) not in self._kept:
            known -= 1
        here = self._kept[tuple(names[:known])] if known else self._root
        for count in range(known, len(names)):
            try:
                opened = self._open(names[count], here, make)
            except OSError as error:
                if error.errno not in (ENOTDIR, ELOOP):
                    raise
                opened = self._through_links(names[: count + 1], make)
            here = opened
            self._kept[tuple(names[: count + 1])] = here
        return here

    def forget(self) -> None:
        """Close everything kept: something that may have been on the way was replaced."""
        for descriptor in self._kept.values():
            os.close(descriptor)
        self._kept.clear()
        self._by_text.clear()

    def close(self) -> None:
        """Close all descriptors."""
        self.forget()
        os.close(self._root)

    def _open(self, name: bytes, above: int, make: bool) -> int:
        try:
            return os.open(name, DIRECTORY_FLAGS, dir_fd=above)
        except FileNotFoundError:
            if not make:
                raise
        os.mkdir(name, 0o700, dir_fd=above)
        opened = os.open(name, DIRECTORY_FLAGS, dir_fd=above)
        self._made(opened)
        return opened

    def _through_links(self, names: list[bytes], make: bool) -> int:
        """Walk from the root where a symbolic link is on the way; nothing else may be."""
        pending = names[::-1]
        steps = [os.dup(self._root)]  # the directories passed, for `..` in link targets
        links = 0
        try:
            while pending:
                name = pending.pop()
                if name in _DOTS:
                    continue
                if name == b"..":
                    if len(steps) > 1:  # above the root is the root
                        os.close(steps.pop())
                    continue
                target = _link_target(name, steps[-1])
                if target is None:
                    steps.append(self._step(name, steps[-1], names, make))
                    continue
                links += 1
                if target.startswith(b"/"):
                    while len(steps) > 1:
                        os.close(steps.pop())
                pending += target.split(b"/")[::-1]
                if links > _MOST_LINKS or len(pending) + len(steps) > _DEEPEST:
                    raise UnsafeArchive(
                        f"too many symbolic links on the way to {shown(b'/'.join(names))}"
                    )
            return os.dup(steps[-1])
        finally:
            for step in steps:
                os.close(step)

    def _step(self, name: bytes, above: int, names: list[bytes], make: bool) -> int:
        try:
            return self._open(name, above, make)
        except OSError as error:
            if error.errno not in (ENOTDIR, ELOOP):
                raise
            path = shown(b"/".join(names))
            raise UnsafeArchive(
                f"archive member below {path}, but {shown(name)} is not a directory"
            ) from None


def _link_target(name: bytes, directory: int) -> bytes | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None
