"""How SQLite is told to open the state file, and why the file system would not have it."""

from __future__ import annotations

import os

_SIZE = 64 << 10  # bytes; SQLite's shared file takes half of that


def refusal(directory: str) -> int:
    """The error number by which a small new file is refused there, 0 where it is taken.

    Tried, by one without a name: after an error the kernel refuses all though the mount is still
    called writable, and quotas are not seen in what is free.
    """
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)
        finally:
            os.close(descriptor)
    except OSError as error:
        return error.errno or 0
    return 0


def is_empty(path: str) -> bool:
    """Whether a file has no content, or is not there."""
    return not os.path.exists(path) or os.path.getsize(path) == 0


def uri(path: str, how: str) -> str:
    """What SQLite opens. how: "immutable=1" makes no file beside it, and nobody may change it
    meanwhile; "mode=ro" does, and others may (sqlite.org/uri.html).
    """
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{quoted}?{how}"
