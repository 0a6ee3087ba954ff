"""Making a layer's archive of a directory tree: the mirror of extract.py.

Deterministic: names sorted bytewise in each directory, no names of users, no times but
the files' own. The tree is walked by directory descriptors without following links, so
what a running container swaps in meanwhile cannot lead outside of it. A file that
changes while it is read is cut or filled with zeros to the size in its header, and
named in the warnings: the archive is always whole.
"""

from __future__ import annotations

import os
import stat
from errno import EINVAL, ELOOP, ENOENT, ENOTDIR, ENXIO

from . import entry as kinds
from . import xattrs as attributes
from .beneath import DIRECTORY_FLAGS
from .failures import unwritten
from .whiteouts import OPAQUE_NAME, PLAIN, PREFIX
from .write import END, header, padding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ..streams import Writable
    from .ids import IdMaps
    from .whiteouts import Whiteouts

_CHANGED = (ENOENT, ENOTDIR, ELOOP, EINVAL, ENXIO)
"""What opening says when a name is no longer the kind of thing that it was."""
_PIECE = 256 * 1024
KINDS = {
    stat.S_IFREG: kinds.FILE,
    stat.S_IFDIR: kinds.DIRECTORY,
    stat.S_IFLNK: kinds.SYMLINK,
    stat.S_IFCHR: kinds.CHARACTER,
    stat.S_IFBLK: kinds.BLOCK_DEVICE,
    stat.S_IFIFO: kinds.FIFO,
}
"""Types of files (stat.S_IFMT) and of members; a socket has none."""


def write_tree(
    root: str | bytes,
    out: Writable,
    *,
    whiteouts: Whiteouts,
    only: Collection[str] | None = None,
    removed: Collection[str] = (),
    ids: IdMaps | None = None,
) -> tuple[str, ...]:
    """Write the tree below `root` as a tar, without an entry for the root itself.

    whiteouts: how the tree says that something is gone (overlay styles become `.wh.`
    entries). only: exactly these paths (relative, "etc/passwd"), not what is below them.
    removed: paths to write whiteouts for, besides. ids: from owners on disk.

    Returns warnings: files that changed meanwhile, sockets left out. Raises NoSpace where
    `out` is full, BrokenPipeError, and StoreError for all else: what cannot be read, an
    owner outside of `ids`.
    """
    writer = _Writer(out, whiteouts, only, removed, ids)
    descriptor = os.open(root, DIRECTORY_FLAGS & ~os.O_NOFOLLOW)
    try:
        writer.tree(descriptor)
        out.write(END)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritten(error, writer.path) from error
    finally:
        os.close(descriptor)
    return tuple(writer.warnings)


def write_member(
    directory: int,
    name: bytes,
    out: Writable,
    *,
    named: bytes,
    ids: IdMaps | None = None,
) -> tuple[str, ...]:
    """Write one thing in an open directory, with all below it, as a tar where it is `named`.

    No whiteouts: an archive to be unpacked elsewhere (cp). Returns and raises as `write_tree`.
    """
    writer = _Writer(out, PLAIN, None, (), ids)
    try:
        writer.member(directory, name, named)
        out.write(END)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritten(error, writer.path) from error
    return tuple(writer.warnings)


class _Writer:
    """One archive being written."""

    def __init__(
        self,
        out: Writable,
        whiteouts: Whiteouts,
        only: Collection[str] | None,
        removed: Collection[str],
        ids: IdMaps | None,
    ) -> None:
        self.warnings: list[str] = []
        self.path = b""  # of the member in work
        self._out = out
        self._opaque_xattr = whiteouts.xattr
        self._only = None if only is None else _Selection(only)
        self._removed: dict[bytes, list[bytes]] = {}
        for path in removed:
            parent, _, name = os.fsencode(path).strip(b"/").rpartition(b"/")
            self._removed.setdefault(parent, []).append(name)
        self._ids = ids
        self._first_names: dict[tuple[int, int], bytes] = {}  # of files with several links

    def tree(self, root: int) -> None:
        """Everything below an open directory."""
        self._walk(os.dup(root), b"")

    def member(self, directory: int, name: bytes, path: bytes) -> None:
        """One thing in an open directory and all below it, under another path."""
        below = self._member(directory, path, name)
        if below is not None:
            self._walk(below, path + b"/")

    def _walk(self, root: int, start: bytes) -> None:
        """Everything below a directory, which is closed, depth first, with its own stack."""
        stack = [(root, start, self._listing(root, start[:-1]))]
        try:
            while stack:
                directory, prefix, names = stack[-1]
                if not names:
                    os.close(directory)
                    stack.pop()
                    continue
                name = names.pop()
                below = self._member(directory, prefix + name, name)
                if below is not None:
                    path = prefix + name
                    stack.append((below, path + b"/", self._listing(below, path)))
        finally:
            for directory, _, _ in stack:
                os.close(directory)

    def _listing(self, directory: int, path: bytes) -> list[bytes]:
        """The names in a directory, last first; writes its whiteouts, which come before."""
        if self._opaque_xattr and attributes.one(directory, self._opaque_xattr) == b"y":
            self._whiteout(path, OPAQUE_NAME)
        for name in sorted(self._removed.get(path, ())):
            self._whiteout(path, PREFIX + name)
        return sorted(map(os.fsencode, os.listdir(directory)), reverse=True)

    def _whiteout(self, directory: bytes, name: bytes) -> None:
        self._out.write(header(directory + b"/" + name if directory else name, mode=0))

    def _member(self, directory: int, path: bytes, name: bytes) -> int | None:
        """Write one member; the descriptor of a directory that is to be walked."""
        self.path = path
        if self._only is not None and not self._only.near(path):
            return None
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            wanted = self._only is None or self._only.has(path)
            if stat.S_ISDIR(status.st_mode):
                return self._directory(directory, name, path, wanted)
            if wanted:
                self._leaf(directory, name, path, status)
        except OSError as error:
            if error.errno not in _CHANGED:
                raise
            self.warnings.append(f"{_text(path)}: replaced while the archive was made; left out")
        return None

    def _directory(self, parent: int, name: bytes, path: bytes, wanted: bool) -> int:
        descriptor = os.open(name, DIRECTORY_FLAGS, dir_fd=parent)
        if wanted:
            xattrs = attributes.kept(descriptor)
            self._out.write(self._header(path, os.fstat(descriptor), xattrs=xattrs))
        return descriptor

    def _leaf(self, directory: int, name: bytes, path: bytes, status: os.stat_result) -> None:
        if self._opaque_xattr and stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
            self._whiteout(path.rpartition(b"/")[0], PREFIX + name)
            return
        if stat.S_IFMT(status.st_mode) not in KINDS:
            self.warnings.append(f"{_text(path)}: sockets cannot be archived")
            return
        if status.st_nlink > 1:
            first = self._first_names.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._out.write(self._header(path, status, hard_link=first))
                return
        if stat.S_ISREG(status.st_mode):
            self._file(directory, name, path, status)
            return
        link = b""
        if stat.S_ISLNK(status.st_mode):
            link = os.readlink(name, dir_fd=directory)
        xattrs = attributes.kept(b"/proc/self/fd/%d/%s" % (directory, name))
        self._out.write(self._header(path, status, symlink=link, xattrs=xattrs))

    def _file(self, directory: int, name: bytes, path: bytes, status: os.stat_result) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=directory)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(EINVAL, "no longer a regular file")
            start = self._header(path, status, xattrs=attributes.kept(descriptor))
            left = status.st_size
            while left:
                piece = os.read(descriptor, min(left, _PIECE))
                if not piece:
                    break
                left -= len(piece)
                if start:
                    piece = start + piece  # small files leave in one write
                    start = b""
                self._out.write(piece)
            if start:
                self._out.write(start)
            self._fill(path, left)
            if not left and os.read(descriptor, 1):
                self.warnings.append(f"{_text(path)}: grew while being archived; cut off")
            self._out.write(padding(status.st_size))
        finally:
            os.close(descriptor)

    def _fill(self, path: bytes, left: int) -> None:
        if left:
            self.warnings.append(f"{_text(path)}: shrank while being archived; filled with zeros")
        while left:
            count = min(left, _PIECE)
            self._out.write(bytes(count))
            left -= count

    def _header(
        self,
        path: bytes,
        status: os.stat_result,
        *,
        symlink: bytes = b"",
        hard_link: bytes = b"",
        xattrs: Mapping[bytes, bytes] | None = None,
    ) -> bytes:
        kind = kinds.LINK if hard_link else KINDS[stat.S_IFMT(status.st_mode)]
        uid, gid = status.st_uid, status.st_gid
        if self._ids is not None:
            uid, gid = self._ids.to_container(uid, gid)
        device = status.st_rdev if kind in (kinds.CHARACTER, kinds.BLOCK_DEVICE) else 0
        return header(
            path,
            kind,
            mode=stat.S_IMODE(status.st_mode),
            uid=uid,
            gid=gid,
            size=status.st_size if kind == kinds.FILE else 0,
            mtime=status.st_mtime_ns,
            link=symlink or hard_link,
            major=os.major(device),
            minor=os.minor(device),
            xattrs=xattrs,
        )


class _Selection:
    """Paths that are wanted, and the directories that lead to them."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = {os.fsencode(path).strip(b"/") for path in paths}
        self._above: set[bytes] = set()
        for path in self._paths:
            while (path := path.rpartition(b"/")[0]) and path not in self._above:
                self._above.add(path)

    def has(self, path: bytes) -> bool:
        return path in self._paths

    def near(self, path: bytes) -> bool:
        return path in self._paths or path in self._above


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
