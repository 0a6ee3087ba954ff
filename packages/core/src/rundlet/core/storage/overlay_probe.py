"""Whether overlayfs works for a home: by using it once, near there."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager

from ..contracts.probe import Probe
from ..errors import RundletError
from ..linux.mounts import mounts
from ..linux.syscalls import MNT_DETACH, unmount
from . import staging
from .overlay_mount import explained, mount_overlay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_VFS = "Use another --root, or --storage-driver vfs."


def probe(home: str, words: Sequence[str]) -> Probe:
    """Mount, remove a file and remake a directory, and look at what that left on disk.

    Leaves nothing, and clears what one that was killed has left. The directory is made beside
    home where home is not there yet.
    """
    where = home
    while not os.path.isdir(where):
        where = os.path.dirname(where)
    kind = file_system(where)
    words = [word for word in words if "=" in word or word == "userxattr"]
    for path in staging.abandoned(where):
        staging.delete(path)
    try:
        with staging.Trial(where) as base:
            reason = _try(base, words, kind)
    except RundletError as error:
        return Probe(False, f"cannot write below {where}: {error.message}")
    return Probe(not reason, reason, {"backing file system": kind})


def _try(base: str, words: Sequence[str], kind: str) -> str:
    """Why not, or ""."""
    lower, upper, work, merged = (f"{base}/{name}" for name in ("l", "u", "w", "m"))
    for path in (lower, upper, work, merged, f"{lower}/directory"):
        os.mkdir(path)
    with open(f"{lower}/file", "x"):
        pass
    try:
        with _mounted(base, words) as seen:
            try:
                return _use(lower, upper, seen, "userxattr" in words, kind)
            except OSError as error:
                return f"overlayfs on {kind}: {error}"
    except OSError as error:
        if error.errno == errno.EINVAL and kind in ("overlay", "fuse", "nfs", "nfs4"):
            return f"{base} is on a {kind} file system, which cannot be written to by overlayfs"
        failure = explained(error, merged, words)
        return f"{failure.message}. {failure.remedy}"


@contextmanager
def _mounted(base: str, words: Sequence[str]) -> Iterator[str]:
    """Where the overlay is seen. It is attached to nothing where the kernel can (Linux 5.2), so
    that a kill leaves no mount. Raises OSError.
    """
    from ..linux.mount_api import mount_detached

    directory = os.open(base, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    short = f"/proc/self/fd/{directory}"  # free of separators
    named = {"lowerdir": f"{short}/l", "upperdir": f"{short}/u", "workdir": f"{short}/w"}
    pairs = [word.partition("=") for word in words]
    options = [*named.items(), *((key, value if equals else None) for key, equals, value in pairs)]
    try:
        root = mount_detached("overlay", options)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):  # EPERM: of a seccomp filter
            raise
        root = -1
    finally:
        os.close(directory)
    try:
        if root < 0:
            mount_overlay(f"{base}/m", [f"{base}/l"], f"{base}/u", f"{base}/w", words)
        yield f"/proc/self/fd/{root}" if root >= 0 else f"{base}/m"
    finally:
        if root < 0:
            unmount(f"{base}/m", MNT_DETACH)
        else:
            os.close(root)


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
