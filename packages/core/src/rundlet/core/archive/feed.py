"""A byte stream read in large pieces, of which a tar reader takes blocks and content."""

from __future__ import annotations

from ..errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..streams import Readable

BLOCK = 512
PIECE = 256 * 1024
"""Bytes asked of the stream at a time: fits in a core's cache, so copying out of it is cheap."""


class Feed:
    """Sequential reading with a position. The stream may return less than it was asked for."""

    __slots__ = ("_at", "_buffer", "_end", "stream")

    def __init__(self, stream: Readable) -> None:
        self.stream = stream
        self._buffer = b""
        self._at = 0  # position in the buffer
        self._end = 0  # offset in the stream of the buffer's end

    @property
    def offset(self) -> int:
        """Bytes taken so far."""
        return self._end - len(self._buffer) + self._at

    def block(self) -> bytes:
        """The next 512 bytes, or b"" at the end. Raises Corrupt when it ends in the middle."""
        at = self._at
        block = self._buffer[at : at + BLOCK]
        if len(block) == BLOCK:
            self._at = at + BLOCK
            return block
        return self._assemble(BLOCK, may_end=True)

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes in one object (for small things). Raises Corrupt at the end."""
        at = self._at
        if len(self._buffer) - at >= size:
            self._at = at + size
            return self._buffer[at : at + size]
        return self._assemble(size, may_end=False)

    def piece(self, most: int) -> memoryview | bytes:
        """Some bytes, at least one and up to `most`, without copying. Raises Corrupt at the end."""
        if self._at == len(self._buffer) and not self._fill():
            raise Corrupt(f"tar: truncated at offset {self.offset}")
        at = self._at
        self._at = min(at + most, len(self._buffer))
        return memoryview(self._buffer)[at : self._at]

    def pieces(self, size: int) -> Iterator[memoryview | bytes]:
        """The next `size` bytes, piece by piece."""
        while size > 0:
            piece = self.piece(size)
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over `size` bytes. Raises Corrupt when the stream ends before."""
        at = self._at + size
        if at <= len(self._buffer):
            self._at = at
            return
        for _ in self.pieces(size):
            pass

    def moved(self, offset: int) -> None:
        """The stream was moved to an offset by who gave it, to pass over what lies between."""
        self._buffer, self._at, self._end = b"", 0, offset

    def drain(self) -> None:
        """Read to the end, so that whoever counts and hashes below has seen every byte."""
        self._at = len(self._buffer)
        while self._fill():
            self._at = len(self._buffer)

    def _fill(self) -> bool:
        """Replace the used-up buffer by the next piece; False at the end."""
        piece = self.stream.read(PIECE)
        if not piece:
            return False
        self._buffer = piece
        self._at = 0
        self._end += len(piece)
        return True

    def _assemble(self, size: int, *, may_end: bool) -> bytes:
        parts = []
        missing = size
        while missing:
            if self._at == len(self._buffer) and not self._fill():
                break
            part = self._buffer[self._at : self._at + missing]
            self._at += len(part)
            missing -= len(part)
            parts.append(part)
        if missing and (parts or not may_end):
            raise Corrupt(f"tar: truncated at offset {self.offset}")
        return b"".join(parts)
