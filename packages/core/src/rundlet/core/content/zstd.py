"""Reading zstd (RFC 8878): bounded output, and a cut-off stream is noticed.

zstandard's `stream_reader` bounds its output, but ends without a word where the
compressed data is cut off; its `decompressobj` knows the end, but returns whatever a
hostile input blows up to in one piece. So the stream reader decompresses, and a small
walker over frame and block headers says whether the data ended where a frame does.
"""

from __future__ import annotations

import zstandard

from ..errors import Corrupt
from .compress import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MAGIC = b"\x28\xb5\x2f\xfd"
_RLE = 1


class FrameWalker:
    """Follows the frames of a compressed stream that is given to it in any pieces."""

    def __init__(self) -> None:
        self._skip = 0  # bytes of no interest before the next header
        self._header = b""
        self._wanted = 4
        self._state = self._magic
        self._checksum = False
        self.at_boundary = True

    def feed(self, data: bytes) -> None:
        """Note some more bytes of the stream."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            self.at_boundary = False
            part = data[at : at + self._wanted - len(self._header)]
            self._header += part
            at += len(part)
            if len(self._header) == self._wanted:
                self._state()
        if self._skip == 0 and not self._header and self._state == self._magic:
            self.at_boundary = True

    def _expect(self, state: Callable[[], None], wanted: int, skip: int = 0) -> None:
        self._state, self._wanted, self._skip, self._header = state, wanted, skip, b""

    def _magic(self) -> None:
        if self._header == _MAGIC:
            self._expect(self._descriptor, 1)
        else:  # skippable, or nonsense that the decompressor refuses
            self._expect(self._skippable, 4)

    def _skippable(self) -> None:
        self._expect(self._magic, 4, skip=int.from_bytes(self._header, "little"))

    def _descriptor(self) -> None:
        flags = self._header[0]
        single = bool(flags & 0x20)
        self._checksum = bool(flags & 0x04)
        dictionary = (0, 1, 2, 4)[flags & 3]
        content_size = (1 if single else 0, 2, 4, 8)[flags >> 6]
        self._expect(self._block, 3, skip=(0 if single else 1) + dictionary + content_size)

    def _block(self) -> None:
        header = int.from_bytes(self._header, "little")
        size = 1 if (header >> 1) & 3 == _RLE else header >> 3
        if not header & 1:
            self._expect(self._block, 3, skip=size)
        else:
            self._expect(self._magic, 4, skip=size + (4 if self._checksum else 0))


class _Watched:
    """The compressed stream, walked while the decompressor reads it."""

    def __init__(self, source: Stream) -> None:
        self._source = source
        self.walker = FrameWalker()

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self.walker.feed(data)
        return data


class ZstdReader(Stream):
    """Decompression of one or more frames. Raises Corrupt."""

    def __init__(self, source: Stream) -> None:
        super().__init__(source)
        self._watched = _Watched(source)
        self._reader = zstandard.ZstdDecompressor().stream_reader(
            self._watched,  # type: ignore[arg-type]  # it only reads
            read_across_frames=True,
            closefd=False,
        )

    def _next(self, most: int) -> bytes:
        try:
            piece = self._reader.read(most)
        except zstandard.ZstdError as error:
            raise Corrupt(f"damaged zstd data: {error}") from error
        if not piece and most and not self._watched.walker.at_boundary:
            raise Corrupt("zstd data is cut off")
        return piece
