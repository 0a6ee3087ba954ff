"""One member of a tar archive."""

from __future__ import annotations

from ..errors import Corrupt
from ..streams import RawStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .feed import Feed

FILE = b"0"
LINK = b"1"
SYMLINK = b"2"
CHARACTER = b"3"
BLOCK_DEVICE = b"4"
DIRECTORY = b"5"
FIFO = b"6"
HEADER_ONLY = frozenset((LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO))
"""Kinds that have no content, whatever their size field says (as Go's archive/tar reads them)."""

SMALL = 16 * 1024 * 1024


class Entry:
    """A member: its attributes and, until the reader goes on, its content.

    path, link: the raw bytes of the archive (link: target of a symbolic or hard link).
    kind: the type flag; regular files are FILE whatever flag they had.
    size: bytes of content as a file (holes included). mtime: nanoseconds since 1970.
    stored: bytes of content in the archive. left: of those, not yet taken.
    xattrs: name to value, or None. offset: of the header in the archive.
    extents: of a sparse file, its (offset, length) pieces with content; else None.
    """

    __slots__ = (
        "_feed",
        "extents",
        "gid",
        "kind",
        "left",
        "link",
        "major",
        "minor",
        "mode",
        "mtime",
        "offset",
        "path",
        "size",
        "stored",
        "uid",
        "xattrs",
    )

    path: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    stored: int
    left: int
    mtime: int
    link: bytes
    major: int
    minor: int
    xattrs: dict[bytes, bytes] | None
    offset: int
    extents: tuple[tuple[int, int], ...] | None
    _feed: Feed

    @property
    def name(self) -> str:
        """The path as text (undecodable bytes as surrogates)."""
        return self.path.decode("utf-8", "surrogateescape")

    @property
    def target(self) -> str:
        """The link's target as text."""
        return self.link.decode("utf-8", "surrogateescape")

    def pieces(self) -> Iterator[memoryview | bytes]:
        """The stored content (of a sparse file: only what lies in `extents`). Once."""
        feed = self._feed
        while self.left:
            piece = feed.piece(self.left)
            self.left -= len(piece)
            yield piece

    def take(self, most: int) -> memoryview | bytes:
        """Up to `most` bytes of stored content; b"" when there are no more."""
        if not self.left or not most:
            return b""
        piece = self._feed.piece(min(most, self.left))
        self.left -= len(piece)
        return piece

    def read(self, limit: int = SMALL) -> bytes:
        """The whole content of a small file. Raises Corrupt when it is larger than `limit`."""
        if self.size > limit:
            raise Corrupt(f"{self.name}: {self.size} bytes, more than the {limit} expected")
        return b"".join(self.pieces()) if self.extents is None else self.open().read()

    def open(self) -> RawStream:
        """The content as a readable stream, holes as zeros; good until the reader goes on."""
        return _Content(self)


class _Content(RawStream):
    """The content of an entry as a stream."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._extents = iter(((0, entry.size),) if entry.extents is None else entry.extents)
        self._start, self._stop = 0, 0
        self._at = 0
        self._next_extent()

    def _next_extent(self) -> None:
        self._start, length = next(self._extents, (self._entry.size, 0))
        self._stop = self._start + length

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        while self._at == self._stop and self._at < self._entry.size:
            self._next_extent()
        if self._at < self._start:  # in a hole
            data = bytes(min(size, self._start - self._at))
        else:
            data = bytes(self._entry.take(min(size, self._stop - self._at)))
        self._at += len(data)
        return data
