"""Headers of tar members as they are written: ustar, with PAX records where ustar cannot.

The same choices as Go's archive/tar, which podman and Docker write with: a record only
for what does not fit, records sorted by key, names split over ustar's prefix where that
is enough.
"""

from __future__ import annotations

from struct import Struct

from . import pax
from .entry import DIRECTORY, FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512
_pack = Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x").pack
_LARGEST_8 = 0o7777777
_LARGEST_12 = 0o77777777777
_SECOND = 1_000_000_000
END = bytes(2 * BLOCK)
"""The end mark of an archive."""


def header(
    path: bytes,
    kind: bytes = FILE,
    *,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    size: int = 0,
    mtime: int = 0,
    link: bytes = b"",
    major: int = 0,
    minor: int = 0,
    xattrs: Mapping[bytes, bytes] | None = None,
    size_record: bool = False,
) -> bytes:
    """The blocks before a member's content. mtime: nanoseconds since 1970.

    size_record: give the size in a PAX record too, so that all sizes take the same room.
    """
    if kind == DIRECTORY and not path.endswith(b"/"):
        path += b"/"
    records: dict[bytes, bytes] = {}
    split = _split(path)
    if split is None:
        records[b"path"] = path
    if len(link) > 100 or not link.isascii():
        records[b"linkpath"] = link
    seconds, fraction = divmod(mtime, _SECOND)
    if fraction or not 0 <= seconds <= _LARGEST_12:
        records[b"mtime"] = _decimal_time(mtime)
    for key, value, most in (
        (b"uid", uid, _LARGEST_8),
        (b"gid", gid, _LARGEST_8),
        (b"size", size, _LARGEST_12),
    ):
        if value > most or (size_record and key == b"size"):
            records[key] = b"%d" % value
    for name, data in (xattrs or {}).items():
        records[pax.SCHILY + name] = data
    prefix, name = split or (b"", _ascii(path))
    block = _block(
        name, kind, mode, uid, gid, size, max(seconds, 0), link[:100], major, minor, prefix
    )
    return _extended(path, records) + block if records else block


def padding(size: int) -> bytes:
    """The zeros that fill content of `size` bytes up to whole blocks."""
    return bytes(-size & (BLOCK - 1))


def _extended(path: bytes, records: Mapping[bytes, bytes]) -> bytes:
    """A PAX header member, named as Go does: beside the file, in `PaxHeaders.0`."""
    data = b"".join(_record(key, records[key]) for key in sorted(records))
    parent, _, name = path.rstrip(b"/").rpartition(b"/")
    title = b"/".join(part for part in (parent, b"PaxHeaders.0", name) if part)
    block = _block(_ascii(title), b"x", 0, 0, 0, len(data), 0, b"", 0, 0, b"")
    return block + data + padding(len(data))


def _record(key: bytes, value: bytes) -> bytes:
    """`length key=value`, where the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _ascii(path: bytes) -> bytes:
    """What a reader without PAX gets to see of a name that does not fit."""
    return bytes(byte if byte < 128 else 0x5F for byte in path[:100])


def _decimal_time(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, fraction = divmod(abs(nanoseconds), _SECOND)
    return (b"%s%d.%09d" % (sign, seconds, fraction)).rstrip(b"0").rstrip(b".")


def _split(path: bytes) -> tuple[bytes, bytes] | None:
    """ustar's prefix and name of a path, or None where it does not fit."""
    if not path.isascii():
        return None
    if len(path) <= 100:
        return b"", path
    at = path.rfind(b"/", 0, min(len(path) - 1, 156))
    if at <= 0 or len(path) - at - 1 > 100:
        return None
    return path[:at], path[at + 1 :]


def _block(
    name: bytes,
    kind: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    seconds: int,
    link: bytes,
    major: int,
    minor: int,
    prefix: bytes,
) -> bytes:
    """One header block. What does not fit is in a PAX record and zero here."""
    block = _pack(
        name,
        b"%07o\0" % mode,
        b"%07o\0" % (uid if uid <= _LARGEST_8 else 0),
        b"%07o\0" % (gid if gid <= _LARGEST_8 else 0),
        b"%011o\0" % (size if size <= _LARGEST_12 else 0),
        b"%011o\0" % (seconds if seconds <= _LARGEST_12 else 0),
        b"        ",
        kind,
        link,
        b"ustar\x0000",
        b"",
        b"",
        b"%07o\0" % major,
        b"%07o\0" % minor,
        prefix,
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
