"""What errors of SQLite mean for people."""

from __future__ import annotations

import _sqlite3 as sqlite3
import errno
import os

from ..errors import NoSpace, RundletError, StoreError
from .database import BUSY_TIMEOUT
from .opening import refusal

DAMAGED = (
    "It is damaged. Restore it from a backup, move it away to begin with an empty store, or remove"
    " all there is: rundlet system reset"
)
_FREE = "Free some space: rundlet system prune, or on that disk by other means (df; inodes: df -i)."
_OF_THE_DISK = (
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
)  # fmt: skip
_LIMIT = "Raise the limit on the size of files (ulimit -f)."
_REMEDIES = {
    errno.EROFS: "Mount it writable, or use another --root.",
    errno.EFBIG: _LIMIT,
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
}


def explained(error: sqlite3.Error, graph_root: str, path: str) -> RundletError:
    """path: the state file below graph_root that cannot be used."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    number = refusal(graph_root) if code in _OF_THE_DISK else 0
    if code == sqlite3.SQLITE_FULL or number in (errno.ENOSPC, errno.EDQUOT):
        why = os.strerror(number or errno.ENOSPC)
        return NoSpace(f"no space left for the state file {path}: {why}", remedy=_FREE)
    if number in _REMEDIES:
        return StoreError(
            f"cannot use the state file {path}: {os.strerror(number)}", remedy=_REMEDIES[number]
        )
    remedy = {
        sqlite3.SQLITE_READONLY: "Run as root, or use another --root: it must be writable.",
        sqlite3.SQLITE_CANTOPEN: "Run as root, or use another --root.",
        sqlite3.SQLITE_BUSY: "Another process has been writing to it for"
        f" {BUSY_TIMEOUT:g} s: see who with fuser {path}",
        sqlite3.SQLITE_IOERR: f"A disk may be failing: see dmesg. If not: {_LIMIT}",
        sqlite3.SQLITE_NOTADB: DAMAGED,
        sqlite3.SQLITE_CORRUPT: DAMAGED,
        0: DAMAGED,  # of Python: a text that is none
    }.get(code, "")
    return StoreError(f"cannot use the state file {path}: {error}", remedy=remedy)
