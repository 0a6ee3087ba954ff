"""PAX extended headers: records of `length key=value` (POSIX.1-2017 pax(1)).

Beyond POSIX: `SCHILY.xattr.NAME` (star; what Go, Docker and podman write),
`LIBARCHIVE.xattr.NAME` (bsdtar: name URL-encoded, value in base64) and
`GNU.sparse.*` (handled in sparse.py).
"""

from __future__ import annotations

from .entry import HEADER_ONLY
from .header import LARGEST, NO_ID, corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entry import Entry

SCHILY = b"SCHILY.xattr."
_LIBARCHIVE = b"LIBARCHIVE.xattr."
SPARSE = b"GNU.sparse."
_LONGEST_NUMBER = 40
_TEXTS = {b"path": "path", b"linkpath": "link"}
_SPARSE_PAIRS = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")


def records(data: bytes, offset: int) -> dict[bytes, bytes]:
    """The records of an extended header; a later one of the same key wins.

    Only the offsets and lengths of sparse format 0.0 repeat with a meaning: they are
    joined under `GNU.sparse.map`, as format 0.1 has it. Raises Corrupt.
    """
    found: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        length = data[at:space] if space > at else b""
        end = at + int(length) if length.isdigit() else -1
        equals = data.find(b"=", space, end)
        if end > len(data) or equals < 0 or data[end - 1] != 0x0A:
            if not data[at:].strip(b"\0"):
                break  # some writers pad with zeros within the size
            raise corrupt(offset, "malformed PAX record")
        key, value = data[space + 1 : equals], data[equals + 1 : end - 1]
        if key in _SPARSE_PAIRS:
            pairs.append(value)
        else:
            found[key] = value
        at = end
    if pairs:
        found[b"GNU.sparse.map"] = b",".join(pairs)
    return found


def apply(entry: Entry, found: Mapping[bytes, bytes]) -> None:
    """Let records override what the ustar header said. An empty value means the header's.

    Raises Corrupt for values that are no such thing.
    """
    for key, value in found.items():
        if key.startswith(SCHILY):
            _xattr(entry, key[len(SCHILY) :], value)
        elif key.startswith(_LIBARCHIVE):
            _libarchive(entry, key[len(_LIBARCHIVE) :], value)
        elif not value:
            continue
        elif key in _TEXTS:
            if b"\0" in value:
                raise corrupt(entry.offset, f"NUL in PAX {key.decode()}", entry.path)
            setattr(entry, _TEXTS[key], value)
        elif key == b"mtime":
            entry.mtime = _nanoseconds(entry, value)
        elif key in (b"uid", b"gid"):
            setattr(entry, key.decode(), _whole(entry, key, value, NO_ID - 1))
        elif key == b"size" and entry.kind not in HEADER_ONLY:
            entry.size = entry.stored = _whole(entry, key, value, LARGEST)


def _xattr(entry: Entry, name: bytes, value: bytes) -> None:
    if not name or b"\0" in name:
        raise corrupt(entry.offset, "malformed name of an extended attribute", entry.path)
    if entry.xattrs is None:
        entry.xattrs = {}
    entry.xattrs[name] = value


def _libarchive(entry: Entry, name: bytes, value: bytes) -> None:
    from binascii import a2b_base64
    from urllib.parse import unquote_to_bytes

    name = unquote_to_bytes(name)
    if entry.xattrs and name in entry.xattrs:
        return  # bsdtar writes both forms; the plain one cannot be misread
    try:
        decoded = a2b_base64(value + b"=" * (-len(value) % 4))
    except ValueError:
        raise corrupt(entry.offset, "malformed extended attribute", entry.path) from None
    _xattr(entry, name, decoded)


def _whole(entry: Entry, key: bytes, value: bytes, most: int) -> int:
    if not value.isdigit() or len(value) > _LONGEST_NUMBER or int(value) > most:
        raise corrupt(entry.offset, f"bad PAX {key.decode()} {value[:50]!r}", entry.path)
    return int(value)


def _nanoseconds(entry: Entry, value: bytes) -> int:
    """Decimal seconds, maybe negative, with any number of decimals; rounded down."""
    sign = -1 if value.startswith(b"-") else 1
    whole, _, fraction = value.lstrip(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 12 or not (fraction.isdigit() or not fraction):
        raise corrupt(entry.offset, f"bad PAX mtime {value[:50]!r}", entry.path)
    nanoseconds = int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))
    if sign < 0 and fraction[9:].strip(b"0"):
        nanoseconds += 1
    return sign * nanoseconds
