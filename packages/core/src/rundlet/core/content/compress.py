"""Compressed streams: read by what they are, written by name.

Both directions are readable streams in constant memory, without threads of their own:
isal, zlib, zstandard, lzma and bz2 release the interpreter lock, so that several
streams in several threads use several cores. Libraries are imported when their format
is met.

Formats: RFC 1952 (gzip), RFC 8878 (zstd), OCI image-spec layer.md (`+gzip`, `+zstd`).
"""

from __future__ import annotations

from ..errors import Corrupt, InvalidArgument
from ..streams import RawStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..streams import ReadableFile

    class _Decompressor(Protocol):
        """What lzma, bz2 and isal offer alike: one member, output bounded per call."""

        @property
        def eof(self) -> bool: ...
        @property
        def needs_input(self) -> bool: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes, max_length: int) -> bytes: ...

    class _Compressor(Protocol):
        def compress(self, data: bytes) -> bytes: ...
        def flush(self) -> bytes: ...


PIECE = 256 * 1024
_LONGEST_MAGIC = 6
_XZ_MEMORY = 256 * 1024 * 1024
_LEVELS = {"gzip": range(10), "zstd": range(1, 23), "xz": range(10), "bzip2": range(1, 10)}
_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
}


def detect(start: bytes) -> str:
    """The format of a stream that begins so: gzip, zstd, xz, bzip2, or "" for none of them."""
    for magic, name in _MAGICS.items():
        if start.startswith(magic):
            return name
    if start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50:
        return "zstd"  # a skippable frame first, as eStargz-like writers do
    return ""


def decompressed(stream: ReadableFile) -> ReadableFile:
    """The content of a stream, whatever it is compressed with, or itself when it is not.

    The result raises Corrupt when the data is damaged, cut off, or followed by something
    else. Closing it closes `stream`.
    """
    start = _read_exactly(stream, _LONGEST_MAGIC)
    kind = detect(start)
    source = _Rejoined(start, stream)
    if not kind:
        return source
    if kind == "zstd":
        from .zstd import ZstdReader

        return ZstdReader(source)
    return _Reader(source, kind)


def compressed(stream: ReadableFile, algorithm: str, level: int | None = None) -> ReadableFile:
    """A readable stream of the compressed content of `stream`.

    algorithm: gzip, zstd, xz, bzip2, or "" (also "none", "uncompressed") for `stream`
    itself. level: as of the program of that name; None is a fast one. The bytes are the same for
    the same content, level and library release. Raises InvalidArgument.
    """
    if algorithm in ("", "none", "uncompressed"):
        return stream
    return _Writer(stream, _compressor(algorithm, level))


class Stream(RawStream):
    """Base of readable streams over another: `read(n)` gives n bytes unless at the end.

    Subclasses define `_next(most)`: some bytes, at most `most`, b"" at the end.
    """

    def __init__(self, source: ReadableFile) -> None:
        self._source = source

    def _next(self, most: int) -> bytes:
        raise NotImplementedError

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        piece = self._next(size) if size else b""
        if len(piece) == size or not piece:
            return piece
        parts = [piece]
        size -= len(piece)
        while size and (piece := self._next(size)):
            parts.append(piece)
            size -= len(piece)
        return b"".join(parts)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._source.close()

    def __del__(self) -> None:
        """Only `close` closes the source, which belongs to the caller until then.

        IOBase would close both when the last reference to this one goes.
        """


class _Rejoined(Stream):
    """A stream whose beginning was already read."""

    def __init__(self, start: bytes, source: ReadableFile) -> None:
        super().__init__(source)
        self._start = start

    def _next(self, most: int) -> bytes:
        if self._start:
            piece, self._start = self._start[:most], self._start[most:]
            return piece
        return self._source.read(most)


class _Reader(Stream):
    """Decompression of one or more members after each other."""

    def __init__(self, source: Stream, kind: str) -> None:
        super().__init__(source)
        self._kind = kind
        self._member: _Decompressor | None = _decompressor(kind)
        self._input = b""

    def _next(self, most: int) -> bytes:
        while self._member is not None:
            if self._member.needs_input and not self._input:
                self._input = self._source.read(PIECE)
                if not self._input:
                    raise Corrupt(f"{self._kind} data is cut off")
            try:
                piece = self._member.decompress(self._input, most)
            except Exception as error:  # each library has its own
                raise Corrupt(f"damaged {self._kind} data: {error}") from error
            self._input = b""
            if self._member.eof:
                self._member = self._following(self._member.unused_data)
            if piece:
                return piece
        return b""

    def _following(self, rest: bytes) -> _Decompressor | None:
        """The decompressor of the next member; None at the end, where zeros may pad."""
        while not rest.lstrip(b"\0"):
            rest = self._source.read(PIECE)
            if not rest:
                return None
        rest += self._source.read(_LONGEST_MAGIC)
        if detect(rest) != self._kind:
            raise Corrupt(f"{self._kind} data is followed by something else")
        self._input = rest
        return _decompressor(self._kind)


class _Writer(Stream):
    """Compression while being read.

    The compressor gets pieces of one size, however the source cuts them: what it makes depends
    on that, and the same content is to give the same bytes.
    """

    def __init__(self, source: ReadableFile, compressor: _Compressor) -> None:
        super().__init__(source)
        self._compressor: _Compressor | None = compressor
        self._ready = memoryview(b"")

    def _next(self, most: int) -> bytes:
        while not self._ready and self._compressor is not None:
            piece = self._whole()
            if piece:
                self._ready = memoryview(self._compressor.compress(piece))
            else:
                self._ready = memoryview(self._compressor.flush())
                self._compressor = None
        piece, self._ready = bytes(self._ready[:most]), self._ready[most:]
        return piece

    def _whole(self) -> bytes:
        """A whole piece, but for the last one."""
        piece = self._source.read(PIECE)
        if not piece or len(piece) == PIECE:
            return piece
        parts, left = [piece], PIECE - len(piece)
        while left and (piece := self._source.read(left)):
            parts.append(piece)
            left -= len(piece)
        return b"".join(parts)


class _Zlib:
    """zlib's gzip decompressor with the interface of the others, where isal is missing."""

    def __init__(self) -> None:
        import zlib

        self._object = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not self._object.eof and not self._object.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max_length)


def _decompressor(kind: str) -> _Decompressor:
    if kind == "xz":
        import lzma

        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    try:
        from isal import igzip_lib
    except ImportError:
        return _Zlib()
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _compressor(algorithm: str, level: int | None) -> _Compressor:
    levels = _LEVELS.get(algorithm)
    if levels is None:
        raise InvalidArgument(f"unknown compression {algorithm!r}: use one of {', '.join(_LEVELS)}")
    if level is not None and level not in levels:
        raise InvalidArgument(
            f"compression level {level}: {algorithm} has {levels[0]} to {levels[-1]}"
        )
    if algorithm == "gzip":
        return _gzip(level)
    if algorithm == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=3 if level is None else level).compressobj()
    if algorithm == "xz":
        import lzma

        return lzma.LZMACompressor(preset=level)
    import bz2

    return bz2.BZ2Compressor(9 if level is None else level)


def _gzip(level: int | None) -> _Compressor:
    """isal when speed is all that is asked; zlib for its own levels (0 to 9). No time in it."""
    import zlib

    if level is None:
        try:
            from isal import isal_zlib

            return isal_zlib.compressobj(2, wbits=31)
        except ImportError:
            level = zlib.Z_DEFAULT_COMPRESSION
    return zlib.compressobj(level, wbits=31)


def _read_exactly(stream: ReadableFile, size: int) -> bytes:
    """`size` bytes, or fewer at the end; the stream may return less per call."""
    data = b""
    while len(data) < size and (piece := stream.read(size - len(data))):
        data += piece
    return data
