"""The 512-byte header block of a tar member: v7, POSIX ustar, GNU and star flavours.

Layout: POSIX.1-2017 pax(1) "ustar Interchange Format"; GNU tar manual "Basic Tar
Format" for base-256 numbers.
"""

from __future__ import annotations

from struct import Struct
from zlib import adler32

from ..errors import Corrupt
from .entry import DIRECTORY, FILE, HEADER_ONLY, Entry

_unpack = Struct("100s7sx7sx7sx11sx11sx8sc100s8s80x155s8x4s").unpack
_ADLER_BASE = 65521
_OCTAL = b"01234567"
_FIVE_NULS = bytes(5)
_REGULAR = frozenset((b"0", b"\0", b"7"))
_DEVICES = frozenset((b"3", b"4"))
LARGEST = (1 << 63) - 1
NO_ID = 0xFFFFFFFF
"""(uid_t)-1 means "leave it" to chown(2), so it is nobody's id."""


def corrupt(offset: int, why: str, path: bytes = b"") -> Corrupt:
    """The error of a malformed member: its name where known, its header's offset, and why."""
    name = f" {path.decode('utf-8', 'backslashreplace')!r}" if path else ""
    return Corrupt(f"tar: member{name} at offset {offset}: {why}")


def parse(block: bytes, offset: int) -> Entry:
    """The entry of a header block. Raises Corrupt for a bad checksum or number."""
    entry = Entry()
    path, mode, uid, gid, size, mtime, checksum, kind, link, magic, prefix, tail = _unpack(block)
    _verify(block, checksum, offset)
    path = path.partition(b"\0")[0]
    if magic == b"ustar\x0000" and prefix[0]:
        if tail == b"tar\0":  # star keeps times in the last 24 bytes of the prefix
            prefix = prefix[:131]
        path = prefix.partition(b"\0")[0] + b"/" + path
    entry.path = path
    entry.offset = offset
    try:
        if block[100:148].translate(None, _OCTAL) == _FIVE_NULS:
            # Digits and one NUL after each, as all of today's writers have it.
            entry.mode = int(mode, 8) & 0o7777
            entry.uid = int(uid, 8)
            entry.gid = int(gid, 8)
            entry.size = entry.stored = entry.left = int(size, 8)
            entry.mtime = int(mtime, 8) * 1_000_000_000
        else:
            _odd_numbers(entry, block)
        if kind in _DEVICES:
            entry.major, entry.minor = number(block[329:337]), number(block[337:345])
        else:
            entry.major = entry.minor = 0
    except ValueError as error:
        raise corrupt(offset, f"bad number in the header: {error}", path) from None
    entry.kind = FILE if kind == FILE else _kind(entry, kind)
    entry.link = link.partition(b"\0")[0]
    entry.xattrs = None
    entry.extents = None
    return entry


def _kind(entry: Entry, kind: bytes) -> bytes:
    """The kind, made plain; what has no content loses its size."""
    if kind in HEADER_ONLY:
        entry.size = entry.stored = entry.left = 0
    elif kind == b"\0" and entry.path.endswith(b"/") and not entry.size:
        return DIRECTORY  # v7 has no flag for directories
    return FILE if kind in _REGULAR else kind


def _odd_numbers(entry: Entry, block: bytes) -> None:
    """The five numbers in whatever form. Raises ValueError."""
    entry.mode = number(block[100:108]) & 0o7777
    entry.uid = number(block[108:116])
    entry.gid = number(block[116:124])
    entry.size = entry.stored = entry.left = number(block[124:136])
    entry.mtime = number(block[136:148]) * 1_000_000_000
    if entry.size < 0:
        raise ValueError("negative size")
    if not (0 <= entry.uid < NO_ID and 0 <= entry.gid < NO_ID):
        raise ValueError(f"impossible owner {entry.uid}:{entry.gid}")


def number(field: bytes) -> int:
    """An octal field, or GNU's base-256 when its first bit is set. Raises ValueError."""
    text = field.rstrip(b"\0 ")
    if text.isdigit():
        return int(text, 8)
    if text and text[0] & 0x80:
        return _base256(field)
    text = text.partition(b"\0")[0].strip(b" ")
    if not text:
        return 0
    if not text.isdigit():  # int() itself takes signs and underscores
        raise ValueError(f"{field!r} is not octal")
    return int(text, 8)


def _base256(field: bytes) -> int:
    """Big-endian two's complement; the first bit marks the encoding, the second is the sign."""
    value = int.from_bytes(field, "big")
    bits = 8 * len(field)
    if field[0] & 0x40:
        value -= 1 << bits
    else:
        value &= (1 << (bits - 1)) - 1
    if not -LARGEST <= value <= LARGEST:
        raise ValueError("beyond 63 bits")
    return value


def _verify(block: bytes, field: bytes, offset: int) -> None:
    """Check the sum of all bytes, the checksum field itself counted as spaces.

    The low half of Adler-32 is one plus that sum, modulo 65521: sixteen times faster than
    adding up in Python. A damaged header passes only if its bytes changed by a multiple of
    that number, when the sum itself would differ by 65521 of at most 130560.
    """
    try:
        expected = int(field[:6], 8) if field[6:] == b"\0 " else number(field)
    except ValueError:
        raise corrupt(offset, "not a tar header (unreadable checksum)") from None
    itself = adler32(field) & 0xFFFF
    if ((adler32(block) & 0xFFFF) - itself + 8 * 32 - expected) % _ADLER_BASE:
        # Some old tars summed signed bytes.
        signed = sum(block) - 256 * sum(byte > 127 for byte in block) - sum(field) + 8 * 32
        if signed != expected:
            raise corrupt(offset, "not a tar header (wrong checksum)")
