"""Extended attributes that a layer's archive carries, and reading them of a file."""

from __future__ import annotations

import os
from errno import ENODATA, ENOTSUP

from .whiteouts import OVERLAY_XATTRS

NEVER = (*OVERLAY_XATTRS, b"security.selinux", b"security.evm")
"""Beginnings of the names of those that stay behind: they are of the machine that packed the files
(labels, signatures), or of the storage driver."""


def kept(target: int | bytes) -> dict[bytes, bytes]:
    """Those worth keeping, of an open file or of a path (its last name not followed)."""
    try:
        names = os.listxattr(target, follow_symlinks=isinstance(target, int))
    except OSError as error:
        if error.errno == ENOTSUP:
            return {}
        raise
    found = {}
    for name in map(os.fsencode, names):
        if not name.startswith(NEVER) and (value := one(target, name)) is not None:
            found[name] = value
    return found


def one(target: int | bytes, name: bytes) -> bytes | None:
    """One of them; None where the file or the file system has it not."""
    try:
        return os.getxattr(target, name, follow_symlinks=isinstance(target, int))
    except OSError as error:
        if error.errno in (ENODATA, ENOTSUP):
            return None
        raise
