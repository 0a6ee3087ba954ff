"""Whether overlayfs works for a home: by using it once, near there."""

from __future__ import annotations

import errno
import os
import stat

from ..contracts.probe import Probe
from ..linux.mounts import mounts
from ..linux.syscalls import MNT_DETACH, unmount
from . import staging
from .overlay_mount import explained, mount_overlay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_VFS = "Use another --root, or --storage-driver vfs."


def probe(home: str, words: Sequence[str]) -> Probe:
    """Mount, remove a file and remake a directory, and look at what that left on disk.

    Leaves nothing. The directory is made beside home where home is not there yet.
    """
    where = home
    while not os.path.isdir(where):
        where = os.path.dirname(where)
    kind = file_system(where)
    base = f"{where}/.overlay-probe-{os.urandom(6).hex()}"
    try:
        os.mkdir(base, 0o700)
    except OSError as error:
        return Probe(False, f"cannot write below {where}: {error.strerror}")
    try:
        reason = _try(base, [word for word in words if "=" in word or word == "userxattr"], kind)
    finally:
        staging.delete(base)
    return Probe(not reason, reason, {"backing file system": kind})


def _try(base: str, words: Sequence[str], kind: str) -> str:
    """Why not, or ""."""
    lower, upper, work, merged = (f"{base}/{name}" for name in ("l", "u", "w", "m"))
    for path in (lower, upper, work, merged, f"{lower}/directory"):
        os.mkdir(path)
    with open(f"{lower}/file", "x"):
        pass
    try:
        mount_overlay(merged, [lower], upper, work, words)
    except OSError as error:
        if error.errno == errno.EINVAL and kind in ("overlay", "fuse", "nfs", "nfs4"):
            return f"{base} is on a {kind} file system, which cannot be written to by overlayfs"
        failure = explained(error, merged, words)
        return f"{failure.message}. {failure.remedy}"
    try:
        return _use(lower, upper, merged, "userxattr" in words, kind)
    except OSError as error:
        return f"overlayfs on {kind}: {error}"
    finally:
        unmount(merged, MNT_DETACH)


def _use(lower: str, upper: str, merged: str, user: bool, kind: str) -> str:
    os.unlink(f"{merged}/file")
    os.rmdir(f"{merged}/directory")
    os.mkdir(f"{merged}/directory")
    if os.listdir(merged) != ["directory"]:
        return f"{kind} does not tell the kinds of directory entries (d_type; xfs: ftype=1). {_VFS}"
    if not stat.S_ISCHR(os.lstat(f"{upper}/file").st_mode):
        return f"{kind} cannot hold whiteouts (character devices 0/0). {_VFS}"
    name = "user.overlay.opaque" if user else "trusted.overlay.opaque"
    if name not in os.listxattr(f"{upper}/directory"):
        return f"{kind} cannot hold {name} attributes. {_VFS}"
    return ""


def file_system(path: str) -> str:
    """The kind of file system that holds a path: that of the deepest mount, the last one there."""
    real = os.path.join(os.path.realpath(path), "")
    deepest, kind = "", "unknown"
    for mount in mounts():
        point = os.path.join(mount.point, "")
        if real.startswith(point) and len(point) >= len(deepest):
            deepest, kind = point, mount.kind
    return kind
