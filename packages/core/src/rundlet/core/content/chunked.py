"""Writing zstd:chunked: a zstd layer of which single files can be fetched.

The content of each file is a zstd frame of its own. After the tar come a table of contents
(JSON, compressed, in a skippable frame) and a footer that says where it is; annotations of
the layer's descriptor say so too, with the table's digest. For every other reader it is
plain zstd. (containers/storage, pkg/chunked; without its tar-split frame, so that its
readers fetch such a layer whole.)
"""

from __future__ import annotations

import base64
import hashlib
import json

import zstandard

from ..archive.entry import (
    BLOCK_DEVICE,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    LINK,
    SYMLINK,
)
from ..archive.feed import PIECE
from ..archive.read import TarReader
from ..errors import Corrupt
from ..format.times import rfc3339
from ..images.digests import digest_of
from .annotations import CHECKSUM, POSITION
from .compress import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..archive.entry import Entry
    from ..streams import ReadableFile

_CRFS = 1
_SKIPPABLE = b"\x50\x2a\x4d\x18"
_MAGIC = b"GNUlInUx"
_LEVEL = 3
_EPOCH = "1970-01-01T00:00:00Z"
_MOST_HELD = 64 << 20
_TYPES = {
    FILE: "reg",
    LINK: "hardlink",
    SYMLINK: "symlink",
    CHARACTER: "char",
    BLOCK_DEVICE: "block",
    DIRECTORY: "dir",
    FIFO: "fifo",
}


class ChunkedWriter(Stream):
    """A readable stream of the zstd:chunked form of a tar, whose bytes are kept exactly.

    annotations: known once it was read to its end; {} where the tar has what a table of
    contents cannot say (sparse files, names that are no UTF-8, unknown kinds): the layer is
    plain zstd then.
    """

    def __init__(self, stream: ReadableFile, level: int | None = None) -> None:
        super().__init__(stream)
        self._raw = _Raw(stream)
        self._level = _LEVEL if level is None else level
        self._compressor = zstandard.ZstdCompressor(level=self._level)
        self._frame: Any = None
        self._written = 0
        self._table: list[dict[str, Any]] | None = []
        self._parts = self._produce()
        self._ready = memoryview(b"")
        self.annotations: dict[str, str] = {}

    def _next(self, most: int) -> bytes:
        while not self._ready:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._ready = memoryview(part)
        piece, self._ready = bytes(self._ready[:most]), self._ready[most:]
        return piece

    def _produce(self) -> Iterator[bytes]:
        reader = TarReader(self._raw)
        while (entry := reader.next()) is not None:
            described = _described(entry)
            if self._table is not None and described is not None:
                self._table.append(described)
            else:
                self._table = None
            yield from self._write(self._raw.upto(reader.offset))
            if entry.kind == FILE and entry.stored and described is not None:
                yield from self._content(reader, entry, described)
            else:
                for piece in self._pieces(reader, entry):
                    yield from self._write(piece)
        yield from self._write(self._raw.rest())
        yield from self._end_frame()
        if self._table is not None:
            yield from self._contents(self._table)

    def _pieces(self, reader: TarReader, entry: Entry) -> Iterator[bytes]:
        """An entry's content, which need not be held then."""
        for piece in entry.pieces():
            yield bytes(piece)
            self._raw.upto(reader.offset)

    def _content(
        self, reader: TarReader, entry: Entry, described: dict[str, Any]
    ) -> Iterator[bytes]:
        """A file's content as a frame of its own."""
        yield from self._end_frame()
        found = hashlib.sha256()
        described["offset"] = self._written
        for piece in self._pieces(reader, entry):
            found.update(piece)
            yield from self._write(piece)
        yield from self._end_frame()
        described["endOffset"] = self._written
        described["digest"] = f"sha256:{found.hexdigest()}"

    def _write(self, data: bytes) -> Iterator[bytes]:
        if not data:
            return
        if self._frame is None:
            self._frame = self._compressor.compressobj()
        yield from self._counted(self._frame.compress(data))

    def _end_frame(self) -> Iterator[bytes]:
        if self._frame is not None:
            yield from self._counted(self._frame.flush())
            self._frame = None

    def _counted(self, data: bytes) -> Iterator[bytes]:
        self._written += len(data)
        if data:
            yield data

    def _contents(self, table: list[dict[str, Any]]) -> Iterator[bytes]:
        """The table of contents and the footer."""
        plain = json.dumps({"version": 1, "entries": table}, separators=(",", ":")).encode()
        packed = self._compressor.compress(plain)
        at = self._written + 8  # past the header of the skippable frame
        yield from self._counted(_skippable(packed))
        numbers = (at, len(packed), len(plain), _CRFS, 0, 0, 0)
        footer = b"".join(number.to_bytes(8, "little") for number in numbers) + _MAGIC
        yield from self._counted(_skippable(footer))
        self.annotations = {
            CHECKSUM: digest_of(packed),
            POSITION: f"{at}:{len(packed)}:{len(plain)}:{_CRFS}",
        }


class _Raw:
    """The tar's bytes, kept from when the reader of headers takes them until they are written."""

    def __init__(self, stream: ReadableFile) -> None:
        self._stream = stream
        self._held = bytearray()
        self._start = 0  # offset of what is held

    def read(self, size: int = PIECE) -> bytes:
        piece = self._stream.read(size)
        self._held += piece
        if len(self._held) > _MOST_HELD:
            raise Corrupt(f"tar: over {_MOST_HELD} bytes that belong to no member")
        return piece

    def upto(self, offset: int) -> bytes:
        """What is held before an offset, which is not held any more."""
        count = offset - self._start
        data = bytes(self._held[:count])
        del self._held[:count]
        self._start = offset
        return data

    def rest(self) -> bytes:
        """All that is held."""
        return self.upto(self._start + len(self._held))


def _described(entry: Entry) -> dict[str, Any] | None:
    """A member's line in the table of contents; None for what it has no words for."""
    kind = _TYPES.get(entry.kind)
    if kind is None or entry.extents is not None or entry.mtime < 0:
        return None
    try:
        name, link = entry.path.decode(), entry.link.decode()
        attributes = {
            key.decode(): base64.b64encode(value).decode()
            for key, value in (entry.xattrs or {}).items()
        }
    except UnicodeDecodeError:
        return None
    found: dict[str, Any] = {
        "linkName": link,
        "mode": entry.mode,
        "size": entry.size if kind == "reg" else 0,
        "uid": entry.uid,
        "gid": entry.gid,
        "devMajor": entry.major,
        "devMinor": entry.minor,
        "xattrs": attributes,
    }
    said = {key: value for key, value in found.items() if value}
    return {
        "type": kind,
        "name": name,
        **said,
        "modtime": rfc3339(entry.mtime) if entry.mtime else _EPOCH,
    }


def _skippable(data: bytes) -> bytes:
    """RFC 8878, 3.1.2."""
    return _SKIPPABLE + len(data).to_bytes(4, "little") + data
