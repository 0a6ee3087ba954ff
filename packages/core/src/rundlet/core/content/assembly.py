"""Reading zstd:chunked by its table of contents: a blob put together from parts of blobs that are
here and what is missing from the registry.

containers/storage unpacks such a layer file by file, and keeps no blob. Here the blob itself is
made again, byte for byte: a file that a local blob has too is, where the same tool compressed
it, the same frame there. Its digest tells in the end whether that was so, and else the whole
blob is fetched. So what is kept and pushed is what it always is.
"""

from __future__ import annotations

import json
import os

from ..errors import Corrupt, NotFound, RundletError
from ..images.digests import digest_of
from ..streams import RawStream
from ..value import Value
from .annotations import table_of_contents
from .compress import PIECE, Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from ..images.descriptor import Descriptor
    from ..streams import Readable, ReadableFile

    Fetch = Callable[[int, int], ReadableFile]

_FOOTERS = {b"GNUlInUx": 64, b"GnUlInUx": 40}
"""How a chunked blob ends, and the size of its footer: now, and before 2022."""
_KIND = 1
_LARGEST_TABLE = 16 << 20
"""Bytes of a table of contents: some 50,000 files. A larger one costs more than it saves."""
_LEAST_RUN = 64 << 10
_LEAST_SAVED = 1 << 20
"""Bytes that are worth a request more, and the trouble at all."""


class Piece(Value):
    """A frame with a file, or a chunk of one, in a blob. digest: of the content, when unpacked."""

    offset: int
    size: int
    digest: str


class Part(Value):
    """Some bytes of the blob to be made. path: of the local blob that has them, or ""."""

    offset: int
    size: int
    path: str = ""


def assembled(blob: Descriptor, fetch: Fetch, local: Iterable[str]) -> Assembled | None:
    """The bytes of a chunked blob, as far as possible from local ones; None if that saves little.

    fetch: opens (offset, size) of the blob at its source. local: paths of blobs. What comes
    is to be checked against the blob's digest: it may be wrong.
    """
    position, checksum = table_of_contents(blob.annotations)
    where = _position(position, blob.size)
    here = _here(local) if where is not None else {}
    if not here or where is None:
        return None
    offset, packed, plain = where
    try:
        with fetch(offset, packed) as stream:
            data = _exactly(stream, packed)
        if digest_of(data) != checksum:
            return None
        parts = list(_parts(_pieces(data, plain, offset), here, blob.size))
    except RundletError:
        return None
    if sum(part.size for part in parts if part.path) < _LEAST_SAVED:
        return None
    return Assembled(parts, fetch)


class Assembled(Stream):
    """The blob's bytes, part by part."""

    def __init__(self, parts: list[Part], fetch: Fetch) -> None:
        self._parts = parts
        self._fetch = fetch
        self._open: ReadableFile | None = None
        self._left = 0

    def _next(self, most: int) -> bytes:
        while not self._left:
            self._shut()
            if not self._parts:
                return b""
            self._begin(self._parts.pop(0))
        assert self._open is not None
        data = self._open.read(min(most, self._left))
        if not data:
            raise Corrupt("a part of the blob ended early")
        self._left -= len(data)
        return data

    def _begin(self, part: Part) -> None:
        self._left = part.size
        if not part.path:
            self._open = self._fetch(part.offset, part.size)
            return
        try:
            self._open = file = open(part.path, "rb")  # noqa: SIM115 (closed by _shut)
        except OSError as error:  # it was removed meanwhile
            raise NotFound(f"{part.path}: {error.strerror}") from None
        file.seek(part.offset)

    def interrupt(self) -> None:
        """Make a `read` that waits in another thread end now, with an error."""
        interrupt = getattr(self._open, "interrupt", None)
        if interrupt is not None:
            interrupt()

    def _shut(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def close(self) -> None:
        if not self.closed:
            self._parts.clear()
            self._left = 0
            self._shut()
            RawStream.close(self)


def _parts(
    pieces: list[Piece], here: dict[tuple[str, int], tuple[str, int]], size: int
) -> Iterator[Part]:
    at = 0
    for offset, part in _runs(pieces, here):
        if part.size < _LEAST_RUN or offset < at:
            continue
        if offset > at:
            yield Part(at, offset - at)
        yield part
        at = offset + part.size
    if at < size:
        yield Part(at, size - at)


def _runs(
    pieces: list[Piece], here: dict[tuple[str, int], tuple[str, int]]
) -> Iterator[tuple[int, Part]]:
    """What is here, by its offset in the blob to be made: chunks that follow one another in both
    blobs at once.
    """
    offset, run = 0, Part(0, 0)
    for piece in sorted(pieces, key=lambda piece: piece.offset):
        path, found = here.get((piece.digest, piece.size), ("", 0))
        if not path:
            continue
        follows = piece.offset == offset + run.size and found == run.offset + run.size
        if run.size and follows and path == run.path:
            run = run.replace(size=run.size + piece.size)
            continue
        if run.size:
            yield offset, run
        offset, run = piece.offset, Part(found, piece.size, path)
    if run.size:
        yield offset, run


def _here(local: Iterable[str]) -> dict[tuple[str, int], tuple[str, int]]:
    """Where which files' frames are: (digest, size) to (path, offset)."""
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for path in local:
        for piece in _pieces_of(path):
            found.setdefault((piece.digest, piece.size), (path, piece.offset))
    return found


def _pieces_of(path: str) -> list[Piece]:
    """By the footer of a local blob; none of one that is not chunked, or damaged."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - max(_FOOTERS.values()), 0))
            footer = file.read()
            footer = footer[-_FOOTERS.get(footer[-8:], len(footer)) :]
            if footer[-8:] not in _FOOTERS:
                return []
            numbers = [int.from_bytes(footer[at : at + 8], "little") for at in range(0, 32, 8)]
            where = _position(":".join(map(str, numbers)), size)
            if where is None:
                return []
            file.seek(where[0])
            return _pieces(_exactly(file, where[1]), where[2], where[0])
    except (OSError, RundletError):
        return []


def _position(text: str, size: int) -> tuple[int, int, int] | None:
    """Offset, length and unpacked length of a table of contents; None of no good one."""
    numbers = text.split(":")
    if len(numbers) != 4 or not all(word.isascii() and word.isdecimal() for word in numbers):
        return None
    offset, packed, plain, kind = map(int, numbers)
    fits = 0 < packed <= _LARGEST_TABLE and 0 < plain <= _LARGEST_TABLE
    return (offset, packed, plain) if fits and kind == _KIND and offset + packed <= size else None


def _pieces(packed: bytes, plain: int, end: int) -> list[Piece]:
    """The files in a table of contents. end: of the files' frames. Raises Corrupt."""
    import zstandard

    try:
        decompressor = zstandard.ZstdDecompressor()
        with decompressor.stream_reader(packed) as reader:
            text = reader.read(plain + 1)
        entries = json.loads(text)["entries"] if len(text) == plain else None
        return list(_listed(entries, end))
    except (zstandard.ZstdError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Corrupt(f"damaged table of contents: {error}") from None


def _listed(entries: Any, end: int) -> Iterator[Piece]:
    """A file is one line, or is followed by a line for each further chunk of it."""
    file: dict[str, Any] = {}
    begins: list[tuple[int, str]] = []
    for entry in [*entries, {"type": ""}]:
        if entry["type"] == "chunk":
            begins.append((int(entry["offset"]), str(entry.get("chunkDigest") or "")))
            continue
        stops = [*(offset for offset, _ in begins[1:]), int(file.get("endOffset") or 0)]
        for (offset, digest), stop in zip(begins, stops, strict=False):
            if digest and 0 <= offset < stop <= end:
                yield Piece(offset, stop - offset, digest)
        begins = []
        if entry["type"] == "reg" and entry.get("endOffset"):
            file = entry
            digest = str(entry.get("chunkDigest") or entry.get("digest") or "")
            begins.append((int(entry.get("offset") or 0), digest))


def _exactly(stream: Readable, size: int) -> bytes:
    """Raises Corrupt when there is less."""
    parts = []
    while size and (data := stream.read(min(size, PIECE))):
        parts.append(data)
        size -= len(data)
    if size:
        raise Corrupt("the table of contents is cut off")
    return b"".join(parts)
