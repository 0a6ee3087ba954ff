"""How a layer says that something of its parents is gone.

In archives (OCI image-spec layer.md, "Whiteouts"): an empty file `.wh.NAME` beside, and
`.wh..wh..opq` in a directory that hides all of its parents' content. On disk: by
overlayfs' own means (kernel Documentation/filesystems/overlayfs.rst), or by deleting.
"""

from __future__ import annotations

from ..value import Value

PREFIX = b".wh."
META_PREFIX = b".wh..wh."
OPAQUE_NAME = b".wh..wh..opq"


class Whiteouts(Value):
    """A style. Use one of the constants below.

    xattr: name of the attribute that makes a directory opaque (overlay styles).
    delete: whiteouts remove what they name from the tree that is unpacked onto.
    """

    xattr: bytes = b""
    delete: bool = False


OVERLAY = Whiteouts(b"trusted.overlay.opaque")
"""Character devices 0/0 and `trusted.overlay.opaque`: for a layer directory of overlayfs."""

OVERLAY_USER = Whiteouts(b"user.overlay.opaque")
"""The same for overlayfs mounted with `userxattr` in a user namespace."""

DELETE = Whiteouts(delete=True)
"""For a layer unpacked onto a copy of its parents. In `write_tree`: there are none to find."""

PLAIN = Whiteouts()
"""No whiteouts: an archive that is not a layer; the names mean nothing."""

OVERLAY_XATTRS = (b"trusted.overlay.", b"user.overlay.")
"""Attributes that belong to overlayfs: never taken from an archive, nor put into one."""
