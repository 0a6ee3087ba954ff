"""What a failing system call means for someone who unpacks or makes an archive."""

from __future__ import annotations

from errno import EDQUOT, EFBIG, ELOOP, ENAMETOOLONG, ENOSPC, ENOTDIR

from ..errors import NoSpace, RundletError, StoreError, UnsafeArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .entry import Entry

_FULL = (ENOSPC, EDQUOT)
_HOSTILE = (ENAMETOOLONG, ENOTDIR, ELOOP, EFBIG)


def explained(error: OSError, entry: Entry) -> RundletError:
    """The typed error of an OSError that unpacking `entry` ran into."""
    name = entry.path.decode("utf-8", "backslashreplace")
    if error.errno in _FULL:
        return NoSpace(
            f"no space left while unpacking {name}: {error.strerror}",
            remedy="free space below the graph root, or use another with --root",
        )
    if error.errno in _HOSTILE:
        return UnsafeArchive(f"archive member {name[:200]!r}: {error.strerror}")
    return StoreError(f"cannot unpack {name}: {error.strerror or error}")


def unwritten(error: OSError, path: bytes) -> RundletError:
    """The typed error of an OSError that making an archive ran into, at a member."""
    name = path.decode("utf-8", "backslashreplace")
    if error.errno in _FULL:
        return NoSpace(f"no space left while archiving {name}: {error.strerror}")
    return StoreError(f"cannot archive {name}: {error.strerror or error}")
