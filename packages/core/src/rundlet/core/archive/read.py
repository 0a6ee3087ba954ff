"""Reading tar archives: v7, ustar, GNU and PAX, from any stream, in bounded memory.

Checked against the format, not trusted: a wrong checksum, number, record or sparse
map is Corrupt with the member's name and offset. Names are left as they are: what is
dangerous in them is the extractor's business.
"""

from __future__ import annotations

from . import pax, sparse
from .entry import FILE, Entry
from .feed import BLOCK, Feed
from .header import corrupt, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..streams import Readable

_LONG_NAME = b"L"
_LONG_LINK = b"K"
_EXTENDED = b"x"
_SOLARIS_EXTENDED = b"X"
_GLOBAL = b"g"
_SPARSE = b"S"
_SPECIAL = frozenset((_LONG_NAME, _LONG_LINK, _EXTENDED, _SOLARIS_EXTENDED, _GLOBAL))
_MOST_SPECIAL_BYTES = 1 << 20
"""Longest extended header or name; Go's archive/tar refuses more as well."""
_ZEROS = bytes(BLOCK)


def entries(stream: Readable) -> Iterator[Entry]:
    """The members in order. The content of each is good until the next is asked for.

    Reads the stream to its very end, also what follows the archive's end mark, so that a
    checking stream below sees every byte. Raises Corrupt.
    """
    reader = TarReader(stream)
    while (entry := reader.next()) is not None:
        yield entry


class TarReader:
    """The state of reading one archive."""

    __slots__ = ("_current", "_feed", "_global")

    def __init__(self, stream: Readable) -> None:
        self._feed = Feed(stream)
        self._current: Entry | None = None
        self._global: dict[bytes, bytes] = {}

    @property
    def offset(self) -> int:
        """Bytes of the archive taken so far: where the content begins, after `next`."""
        return self._feed.offset

    def next(self) -> Entry | None:
        """The next member, or None after the last. Raises Corrupt."""
        feed = self._feed
        if self._current is not None:
            self._finish(self._current)
        block = feed.block()
        if not block or (block[0] == 0 and block == _ZEROS):
            self._end(block)
            return None
        entry = parse(block, feed.offset - BLOCK)
        if entry.kind in _SPECIAL or entry.kind == _SPARSE or self._global:
            special = self._extended(entry, block)
            if special is None:
                return None
            entry = special
        entry._feed = feed
        entry.left = entry.stored
        self._current = entry
        return entry

    def _finish(self, entry: Entry) -> None:
        """Pass over what is left of an entry's content, and its padding."""
        left = entry.left + (-entry.stored & (BLOCK - 1))
        entry.left = 0
        if left:
            self._feed.skip(left)

    def _end(self, block: bytes) -> None:
        """Two blocks of zeros end an archive; so does the end of the stream."""
        self._current = None
        if block:
            second = self._feed.block()
            if second and second != _ZEROS:
                raise corrupt(self._feed.offset - BLOCK, "content after a lone block of zeros")
        self._feed.drain()

    def _extended(self, entry: Entry, block: bytes) -> Entry | None:
        """Read special members up to the one that they describe, and apply them to it."""
        local: dict[bytes, bytes] = {}
        long_path = long_link = b""
        taken = 0
        while entry.kind in _SPECIAL:
            data = self._special(entry, taken)
            taken += len(data)
            if entry.kind == _LONG_NAME:
                long_path = data.partition(b"\0")[0]
            elif entry.kind == _LONG_LINK:
                long_link = data.partition(b"\0")[0]
            elif entry.kind == _GLOBAL:
                self._add_global(entry, data)
            else:
                local.update(pax.records(data, entry.offset))
            described = bool(local or long_path or long_link)
            block = self._feed.block()
            if not block or block == _ZEROS:
                if described:
                    raise corrupt(entry.offset, "extended header without a member")
                self._end(block)
                return None
            entry = parse(block, self._feed.offset - BLOCK)
        entry.path = long_path or entry.path
        entry.link = long_link or entry.link
        if entry.kind == _SPARSE:
            sparse.old_gnu(entry, block, self._feed)
            entry.kind = FILE
        found = {**self._global, **local} if self._global else local
        if found:
            pax.apply(entry, found)
            if any(key.startswith(pax.SPARSE) for key in found):
                sparse.pax(entry, found, self._feed)
        return entry

    def _special(self, entry: Entry, taken: int) -> bytes:
        if entry.size + taken > _MOST_SPECIAL_BYTES:
            raise corrupt(entry.offset, f"extended header of {entry.size} bytes", entry.path)
        data = self._feed.exactly(entry.size)
        self._feed.skip(-entry.size & (BLOCK - 1))
        return data

    def _add_global(self, entry: Entry, data: bytes) -> None:
        self._global.update(pax.records(data, entry.offset))
        if sum(len(key) + len(value) for key, value in self._global.items()) > _MOST_SPECIAL_BYTES:
            raise corrupt(entry.offset, "global extended headers too large")
