"""Sparse files: old GNU headers and the PAX formats 0.0, 0.1 and 1.0.

Formats: GNU tar manual, "Storing Sparse Files".
"""

from __future__ import annotations

from .feed import BLOCK
from .header import LARGEST, corrupt, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entry import Entry
    from .feed import Feed

_MOST_MAP_BYTES = 1 << 20
"""A map larger than this is refused, as in Go's archive/tar: memory stays bounded."""


def old_gnu(entry: Entry, block: bytes, feed: Feed) -> None:
    """Read the map in a type S header and its extension blocks."""
    try:
        size = number(block[483:495])
        numbers = _pairs(block[386:482])
        more = block[482]
        read = 0
        while more:
            block = feed.exactly(BLOCK)
            read += BLOCK
            if read > _MOST_MAP_BYTES:
                raise corrupt(entry.offset, "sparse map too large", entry.path)
            numbers += _pairs(block[:504])
            more = block[504]
    except ValueError as error:
        raise corrupt(entry.offset, f"bad number in sparse map: {error}", entry.path) from None
    _set(entry, size, numbers)


def pax(entry: Entry, found: Mapping[bytes, bytes], feed: Feed) -> None:
    """Read the map of a PAX sparse file: in the records, or before the content (1.0)."""
    if b"GNU.sparse.name" in found:
        entry.path = found[b"GNU.sparse.name"]
    size = found.get(b"GNU.sparse.realsize") or found.get(b"GNU.sparse.size", b"")
    try:
        if found.get(b"GNU.sparse.major") == b"1" and found.get(b"GNU.sparse.minor") == b"0":
            numbers = _map_before_content(entry, feed)
        elif b"GNU.sparse.map" in found:
            text = found[b"GNU.sparse.map"]
            numbers = [_decimal(item) for item in text.split(b",")] if text else []
        else:
            return
        _set(entry, _decimal(size), numbers)
    except ValueError as error:
        raise corrupt(entry.offset, f"bad number in sparse map: {error}", entry.path) from None


def _pairs(data: bytes) -> list[int]:
    """24-byte offset and length pairs, up to the first empty one."""
    numbers: list[int] = []
    for at in range(0, len(data), 24):
        if not data[at]:
            break
        numbers += number(data[at : at + 12]), number(data[at + 12 : at + 24])
    return numbers


def _map_before_content(entry: Entry, feed: Feed) -> list[int]:
    """Decimal lines in whole blocks: the number of pairs, then each offset and length."""
    text = b""
    wanted = 1
    while True:
        if entry.stored < BLOCK or len(text) > _MOST_MAP_BYTES:
            raise corrupt(entry.offset, "sparse map too large or cut off", entry.path)
        block = feed.exactly(BLOCK)
        entry.stored -= BLOCK
        text += block
        lines = text.count(b"\n")
        if lines and wanted == 1:
            wanted += 2 * _decimal(text.partition(b"\n")[0])
        if lines >= wanted:
            return [_decimal(line) for line in text.split(b"\n", wanted)[1:wanted]]


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise ValueError(f"{text[:30]!r} is not decimal")
    return int(text)


def _set(entry: Entry, size: int, numbers: list[int]) -> None:
    """Check the map against the sizes, and note it without its empty pieces."""
    if len(numbers) % 2 or not 0 <= size <= LARGEST:
        raise corrupt(entry.offset, "malformed sparse map", entry.path)
    at = total = 0
    extents = []
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        if start < at or length < 0 or start + length > size:
            raise corrupt(entry.offset, "sparse pieces overlap or lie outside", entry.path)
        at = start + length
        total += length
        if length:
            extents.append((start, length))
    if total != entry.stored:
        raise corrupt(entry.offset, "sparse map does not fit the stored size", entry.path)
    entry.size = size
    entry.extents = tuple(extents)
