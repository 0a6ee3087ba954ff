"""Unpacking an archive below a directory, safe by construction and as fast as GNU tar.

Every member is made relative to the descriptor of its parent directory, which
`beneath.Beneath` reached without the kernel following a link; the last name is always
created new (O_EXCL and its like). There is no second way in, so no name, link, device
or whiteout of an archive can touch anything outside of the root.

What exists is replaced, but for a directory by a directory: they merge, as in
containers/storage. Modes and times of directories are set last, so that what is
unpacked into them neither fails nor shows.

Nothing of the process is changed (working directory, umask): several threads unpack at
once.
"""

from __future__ import annotations

import os
import stat

from ..contracts.storage import LayerUsage
from ..errors import AlreadyExists, Corrupt, UnsafeArchive
from . import entry as kinds
from .attributes import Attributes
from .beneath import Beneath, components, shown
from .failures import explained
from .hiding import NOT_NAMES, Hiding
from .read import TarReader
from .remove import remove_tree
from .whiteouts import META_PREFIX, PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..streams import Readable
    from .entry import Entry
    from .ids import IdMaps, OneOwner
    from .whiteouts import Whiteouts

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LEAST_HOLE = 16384
_ZEROS = memoryview(bytes(1 << 20))


def extract(
    stream: Readable,
    root_fd: int,
    *,
    whiteouts: Whiteouts,
    ids: IdMaps | OneOwner | None = None,
    limit: int | None = None,
    ignore_chown_errors: bool = False,
    keep_kinds: bool = False,
) -> LayerUsage:
    """Unpack a tar below the directory `root_fd`, and read the stream to its end.

    whiteouts: what `.wh.` names become (archive/whiteouts.py). ids: owners on disk.
    limit: most bytes of content to write, against bombs. ignore_chown_errors: leave
    files to the caller's user where it may not give them away. keep_kinds: a directory is
    not replaced by something else, nor the other way round (AlreadyExists).

    Returns bytes of content and number of inodes. Raises Corrupt, UnsafeArchive, NoSpace,
    AlreadyExists, StoreError; what was unpacked until then stays.
    """
    attributes = Attributes(ids, ignore_chown_errors)
    work = _Extraction(root_fd, whiteouts, attributes, limit, keep_kinds)
    try:
        work.run(TarReader(stream))
    finally:
        work.close()
    return work.usage()


class _Extraction:
    """One archive being unpacked."""

    def __init__(
        self,
        root: int,
        whiteouts: Whiteouts,
        attributes: Attributes,
        limit: int | None,
        keep_kinds: bool,
    ) -> None:
        self.size = 0
        self.inodes = 0
        self._whiteouts = whiteouts
        self._layered = whiteouts.delete or bool(whiteouts.xattr)
        self._attributes = attributes
        self._limit = limit
        self._keep_kinds = keep_kinds
        self._beneath = Beneath(root, self._implicit)
        self._hiding = Hiding(whiteouts, self._beneath)
        self._directories: dict[tuple[bytes, ...], tuple[int, int, int]] = {}  # mode, mtime, inode
        self._makers = {
            kinds.FILE: self._file,
            kinds.LINK: self._link,
            kinds.SYMLINK: self._symlink,
            kinds.CHARACTER: self._device,
            kinds.BLOCK_DEVICE: self._device,
            kinds.FIFO: self._fifo,
        }

    def close(self) -> None:
        self._beneath.close()

    def usage(self) -> LayerUsage:
        return LayerUsage(self.size, self.inodes + self._hiding.inodes)

    def run(self, reader: TarReader) -> None:
        while (entry := reader.next()) is not None:
            try:
                self._member(entry)
            except OSError as error:
                raise explained(error, entry) from error
        self._finish_directories()

    def _member(self, entry: Entry) -> None:
        if entry.kind == kinds.DIRECTORY:
            self._directory(entry)
            return
        parent_text, _, name = entry.path.rpartition(b"/")
        if name in NOT_NAMES or b"\0" in name:
            parent_text, name = _split(entry.path)
        if entry.path.startswith(b"/"):
            components(entry.path)  # refuses it
        if self._layered and name.startswith(PREFIX):
            self._hiding.whiteout(parent_text, name)
            return
        make = self._makers.get(entry.kind)
        if make is None:
            if entry.kind == b"V":  # a label of GNU tar's for the whole archive
                return
            raise Corrupt(f"tar: {entry.name}: unknown kind of member {entry.kind!r}")
        parent = self._beneath.parent(parent_text)
        try:
            make(entry, name, parent)
        except FileExistsError:
            if self._replace(entry, parent_text, name, parent):
                make(entry, name, self._beneath.parent(parent_text))
        if self._whiteouts.delete:
            self._hiding.note((*components(parent_text), name))

    def _implicit(self, directory: int) -> None:
        """A directory was made on the way to a member."""
        self.inodes += 1
        self._attributes.implicit(directory)

    def _file(self, entry: Entry, name: bytes, parent: int) -> None:
        descriptor = os.open(name, _CREATE, 0o600, dir_fd=parent)
        try:
            self.inodes += 1
            self.size += entry.stored
            if self._limit is not None and self.size > self._limit:
                raise Corrupt(f"{entry.name}: the archive unpacks to over {self._limit} bytes")
            if entry.extents is None:
                _write_dense(descriptor, entry)
            else:
                _write_sparse(descriptor, entry)
            self._attributes.file(entry, descriptor)
        finally:
            os.close(descriptor)

    def _link(self, entry: Entry, name: bytes, parent: int) -> None:
        target = components(entry.link)
        if not target:
            raise UnsafeArchive(f"{entry.name}: hard link to the root directory")
        held = os.dup(parent)  # looking up the target may close it
        try:
            source = self._beneath.directory(target[:-1], make=False)
            os.link(target[-1], name, src_dir_fd=source, dst_dir_fd=held, follow_symlinks=False)
        except FileNotFoundError:
            raise Corrupt(
                f"{entry.name}: hard link to {entry.target}, which is not in the archive before it"
            ) from None
        finally:
            os.close(held)

    def _symlink(self, entry: Entry, name: bytes, parent: int) -> None:
        os.symlink(entry.link, name, dir_fd=parent)
        self.inodes += 1
        self._attributes.other(entry, name, parent)

    def _fifo(self, entry: Entry, name: bytes, parent: int) -> None:
        os.mkfifo(name, 0o600, dir_fd=parent)
        self.inodes += 1
        self._attributes.other(entry, name, parent)

    def _device(self, entry: Entry, name: bytes, parent: int) -> None:
        kind = stat.S_IFCHR if entry.kind == kinds.CHARACTER else stat.S_IFBLK
        try:
            os.mknod(name, kind | 0o600, os.makedev(entry.major, entry.minor), dir_fd=parent)
        except PermissionError:
            if self._attributes.in_user_namespace():
                return  # no one may there; the engine gives containers their devices anyway
            raise
        self.inodes += 1
        self._attributes.other(entry, name, parent)

    def _directory(self, entry: Entry) -> None:
        names = components(entry.path)
        if names and self._layered and names[-1].startswith(META_PREFIX):
            return  # metadata of aufs
        if names:
            parent = self._beneath.directory(names[:-1])
            try:
                os.mkdir(names[-1], 0o700, dir_fd=parent)
                self.inodes += 1
            except FileExistsError:
                self._replace_by_directory(names, parent)
        directory = self._beneath.directory(names)
        self._attributes.owner_and_xattrs(entry, directory)
        inode = os.fstat(directory).st_ino
        self._directories[tuple(names)] = (entry.mode, entry.mtime, inode)
        if self._whiteouts.delete:
            self._hiding.note(tuple(names))

    def _replace_by_directory(self, names: list[bytes], parent: int) -> None:
        status = os.stat(names[-1], dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            return
        if self._keep_kinds:
            raise _kept(names, "is not a directory, and would be replaced by one")
        os.unlink(names[-1], dir_fd=parent)
        self._beneath.forget()
        parent = self._beneath.directory(names[:-1])
        os.mkdir(names[-1], 0o700, dir_fd=parent)
        self.inodes += 1
        if self._hiding.hides(names):  # a whiteout before: the parents' content stays hidden
            self._hiding.opaque(names)

    def _replace(self, entry: Entry, parent_text: bytes, name: bytes, parent: int) -> bool:
        """Remove what is in the way; False when nothing remains to be made."""
        names = [*components(parent_text), name]
        if entry.kind == kinds.LINK and components(entry.link) == names:
            return False  # a link to itself: it is there
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if self._keep_kinds and stat.S_ISDIR(status.st_mode):
            raise _kept(names, "is a directory, and would be replaced by something else")
        remove_tree(name, parent)
        if not stat.S_ISREG(status.st_mode):
            self._beneath.forget()
        return True

    def _finish_directories(self) -> None:
        """Set modes and times, where the directory is still the one that was unpacked."""
        for names, (mode, mtime, inode) in self._directories.items():
            try:
                directory = self._beneath.directory(list(names), make=False)
            except (FileNotFoundError, UnsafeArchive):
                continue
            if os.fstat(directory).st_ino == inode:
                self._attributes.directory(directory, mode, mtime)


def _kept(names: list[bytes], problem: str) -> AlreadyExists:
    return AlreadyExists(f"{shown(b'/'.join(names))} {problem}")


def _split(path: bytes) -> tuple[bytes, bytes]:
    """Parent and name of an oddly written path ("a/./", "a//b/")."""
    names = components(path)
    if not names:
        raise UnsafeArchive(f"archive member {shown(path)} would replace the root directory")
    return b"/".join(names[:-1]), names[-1]


def _write(descriptor: int, piece: memoryview | bytes) -> None:
    written = os.write(descriptor, piece)
    while written < len(piece):
        piece = piece[written:]
        written = os.write(descriptor, piece)


def _write_dense(descriptor: int, entry: Entry) -> None:
    """Content without a map: long runs of zeros become holes, as they mostly were."""
    hole = False
    while entry.left:
        piece = entry.take(entry.left)
        hole = len(piece) >= _LEAST_HOLE and piece == _ZEROS[: len(piece)]
        if hole:
            os.lseek(descriptor, len(piece), os.SEEK_CUR)
        else:
            _write(descriptor, piece)
    if hole:
        os.ftruncate(descriptor, entry.size)


def _write_sparse(descriptor: int, entry: Entry) -> None:
    for start, length in entry.extents or ():
        os.lseek(descriptor, start, os.SEEK_SET)
        left = length
        while left:
            piece = entry.take(left)
            left -= len(piece)
            _write(descriptor, piece)
    os.ftruncate(descriptor, entry.size)
