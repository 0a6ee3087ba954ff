"""Layers that are in other homes, and only linked in this one.

They may be of containers/storage (podman), whose overlay driver has the same form for root:
`ID/diff` with overlayfs' own whiteouts. It has other forms too, which cannot be shown from here.
"""

from __future__ import annotations

import os

from ..errors import NotSupported
from . import staging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..streams import Writable

_OWNERS_ASIDE = "user.containers.override_stat"
"""Attribute of files whose owners and modes are only noted, for a mount program (force_mask)."""


def check(directory: str) -> None:
    """Raise NotSupported for a layer of containers/storage in a form that the kernel alone
    cannot show: composefs, force_mask.
    """
    if os.path.exists(f"{directory}/composefs-data"):
        raise NotSupported(f"layer {directory} is of composefs")
    try:
        os.getxattr(f"{directory}/diff", _OWNERS_ASIDE)
    except OSError:
        return
    raise NotSupported(f"layer {directory} was made for a mount program (force_mask)")


def has_root(directory: str) -> bool:
    """Whether the layer says of which mode and owner the root directory is.

    Every layer of containers/storage does: they have a file `link`.
    """
    return os.path.exists(f"{directory}/root") or os.path.exists(f"{directory}/link")


def elsewhere(files: str) -> str:
    """Where a layer's files are, if that is a link; else ""."""
    try:
        return os.readlink(files)
    except OSError:
        return ""


def make_way(home: str, layer: str, files: str) -> None:
    """Bury a layer of which only a link is here, so that another may take its place.

    files: the name of what is a link then.
    """
    if elsewhere(f"{home}/{layer}/{files}"):
        staging.bury(home, layer)


def archive_size(directory: str) -> int | None:
    """Bytes of a linked layer's archive; None without a record of it. Raises Corrupt."""
    record = f"{directory}/record"
    if not os.path.exists(record):
        return None
    from ..archive.tar_split import size

    return size(record)


def assembled(directory: str, files: str, out: Writable) -> bool:
    """Write a linked layer's very archive; False without a record of it. Raises Corrupt."""
    record = f"{directory}/record"
    if not os.path.islink(record):
        return False
    from ..archive.tar_split import assemble

    assemble(record, f"{directory}/{files}", out)
    return True
