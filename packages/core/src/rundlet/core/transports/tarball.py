"""Archive files with named parts: found by an index when read, put together when written.

For `docker-archive:` and `oci-archive:`, whose files are read in another order than
they come in and written by several threads.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat
from threading import Lock

from ..archive.entry import DIRECTORY, FILE, LINK, SYMLINK
from ..archive.read import TarReader
from ..archive.write import END, header, padding
from ..content.compress import PIECE, Stream, decompressed, detect
from ..errors import Corrupt, NotFound
from .files import NewFile, failing, temporary_file, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..archive.entry import Entry
    from ..streams import Readable, ReadableFile

_MOST_LINKS = 40
_MOST_MEMBERS = 1_000_000


class Region(Stream):
    """A part of a file, read without moving the file's position: several at once may be open."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._file = io.FileIO(os.dup(descriptor))
        super().__init__(self._file)
        self._at = start
        self._end = start + size

    def _next(self, most: int) -> bytes:
        piece = os.pread(self._file.fileno(), min(most, self._end - self._at), self._at)
        if not piece and self._at < self._end and most:
            raise Corrupt("the archive file was cut off while it was read")
        self._at += len(piece)
        return piece


class TarIndex:
    """The members of an archive file by name. A compressed one, or a pipe, is unpacked first.

    temporary: directory for that. Raises NotFound, Corrupt.
    """

    def __init__(self, path: str, temporary: str = "") -> None:
        self.path = path
        self._file = _plain(path, temporary)
        self._members: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            self._scan()
        except Corrupt as error:
            self._file.close()
            raise Corrupt(f"{path}: {error.message}") from None
        except BaseException:
            self._file.close()
            raise

    def names(self) -> Iterator[str]:
        """Names of the files, without a leading `./`."""
        return iter(self._members)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name (links followed, inside of the archive)."""
        return self._resolve(name) is not None

    def size(self, name: str) -> int:
        """Bytes of a file. Raises NotFound."""
        return self._find(name)[1]

    def open(self, name: str, offset: int = 0) -> ReadableFile:
        """Open a file for reading from `offset`. Raises NotFound."""
        start, size = self._find(name)
        offset = min(offset, size)
        return Region(self._file.fileno(), start + offset, size - offset)

    def read(self, name: str, limit: int) -> bytes:
        """A whole small file. Raises NotFound, Corrupt when it is larger than `limit`."""
        if self.size(name) > limit:
            raise Corrupt(f"{self.path}: {name} is larger than {limit} bytes")
        with self.open(name) as file:
            return file.read()

    def close(self) -> None:
        """Close the file; what was opened from it stays open."""
        self._file.close()

    def _scan(self) -> None:
        length = os.fstat(self._file.fileno()).st_size
        reader = _Skipping(self._file, length)
        while (entry := reader.next()) is not None:
            name = posixpath.normpath(entry.name).lstrip("/")
            self._members.pop(name, None)
            self._links.pop(name, None)  # the last of a name counts, as when unpacking
            if entry.kind == FILE and entry.extents is None:
                self._members[name] = (reader.content_offset(), entry.size)
            elif entry.kind == SYMLINK:
                target = posixpath.join(posixpath.dirname(name), entry.target)
                self._links[name] = posixpath.normpath(target).lstrip("/")
            elif entry.kind == LINK:
                self._links[name] = posixpath.normpath(entry.target).lstrip("/")
            if len(self._members) + len(self._links) > _MOST_MEMBERS:
                raise Corrupt(f"more than {_MOST_MEMBERS} members")

    def _resolve(self, name: str) -> tuple[int, int] | None:
        for _ in range(_MOST_LINKS):
            if name not in self._links:
                return self._members.get(name)
            name = self._links[name]
        return None

    def _find(self, name: str) -> tuple[int, int]:
        found = self._resolve(name)
        if found is None:
            raise NotFound(f"{self.path}: no {name} in the archive")
        return found


class _Skipping(TarReader):
    """A reader of a file that seeks over content."""

    def __init__(self, file: io.FileIO, length: int) -> None:
        super().__init__(file)
        self._file = file
        self._length = length

    def content_offset(self) -> int:
        """Where the current member's content begins."""
        return self._feed.offset

    def _finish(self, entry: Entry) -> None:
        end = self._feed.offset + entry.left + (-entry.stored & 511)
        entry.left = 0
        if end > self._length:
            raise Corrupt(f"tar: truncated in {entry.name}")
        if end - self._feed.offset > PIECE:
            self._file.seek(end)
            self._feed.moved(end)
        else:
            self._feed.skip(end - self._feed.offset)


def _plain(path: str, temporary: str) -> io.FileIO:
    """The archive as a file that can be read at any place, not compressed."""
    with failing(path):
        file = io.FileIO(path)
    try:
        start = b""
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            start = os.pread(file.fileno(), 6, 0)
            if not detect(start):
                return file
        copy = temporary_file(temporary)
        try:
            with failing(path, "unpacking it to a temporary file"), decompressed(file) as plain:
                while piece := plain.read(PIECE):
                    write_all(copy, piece)
            copy.seek(0)
        except BaseException:
            copy.close()
            raise
        return copy
    except BaseException:
        file.close()
        raise


class TarOutput:
    """An archive file being written: nothing at `path` until `commit`, then all of it.

    Content of unknown size is written straight to its place, and its header after it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = Lock()
        self._names: set[str] = set()
        with failing(path):
            self._new = NewFile(path)
        self._file = self._new.file
        self._end = 0

    def has(self, name: str) -> bool:
        """Whether a file of that name was added."""
        return name in self._names

    def add(self, stream: Readable, name: Callable[[], str]) -> str:
        """Add a file, reading `stream` to its end; `name` is asked then. Returns the name.

        Adding a name that is there already changes nothing. If the stream raises, nothing
        is added.
        """
        with self._lock, failing(self.path, "writing"):
            start = self._end
            room = len(header(b"x", size_record=True))
            self._file.seek(start + room)
            size = 0
            while piece := stream.read(PIECE):
                self._new.write(piece)
                size += len(piece)
            title = name()
            if title in self._names:
                self._file.truncate(start)
                return title
            write_all(self._file, padding(size))
            block = header(title.encode(), size=size, size_record=True)
            os.pwrite(self._file.fileno(), block, start)
            self._end = self._file.tell()
            self._names.add(title)
            return title

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a small file."""
        with self._lock, failing(self.path, "writing"):
            self._file.seek(self._end)
            write_all(self._file, header(name.encode(), size=len(data)) + data + padding(len(data)))
            self._end = self._file.tell()
            self._names.add(name)

    def add_directory(self, name: str) -> None:
        """Add a directory."""
        with self._lock, failing(self.path, "writing"):
            self._file.seek(self._end)
            write_all(self._file, header(name.encode(), DIRECTORY, mode=0o755))
            self._end = self._file.tell()

    def commit(self) -> None:
        """Write the end mark and make the file visible at its path."""
        with self._lock, failing(self.path, "writing"):
            self._file.seek(self._end)
            write_all(self._file, END)
            self._file.truncate()
            self._new.publish()

    def close(self) -> None:
        """Close; without a commit nothing is left."""
        self._new.close()
