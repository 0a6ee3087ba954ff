"""The mount calls of Linux 5.2 and later, by file descriptor, through libc's syscall(2).

The numbers are the same on all architectures (include/uapi/asm-generic/unistd.h).
Errors are OSError, as os functions raise them; ENOSYS on older kernels.
"""

from __future__ import annotations

import ctypes
import os

from . import syscalls

_OPEN_TREE = 428
_MOVE_MOUNT = 429
_FSOPEN = 430
_FSCONFIG = 431
_FSMOUNT = 432
_MOUNT_SETATTR = 442

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_CLOEXEC = 0x1  # FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC
_OPEN_TREE_CLONE = 0x1
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_SET_FLAG = 0  # enum fsconfig_command
_SET_STRING = 1
_CMD_CREATE = 6
MOUNT_ATTR_IDMAP = 0x00100000

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    """struct mount_attr, mount_setattr(2)."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _call(number: int, *arguments: object, path: str | None = None) -> int:
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    return result


def mount_new(
    kind: str, target: str, options: list[tuple[str, str | None]], attributes: int = 0
) -> None:
    """Make and attach a mount: fsopen, fsconfig for each option, fsmount, move_mount.

    options: (key, value) pairs in order; None for a flag. Not bound to one page in all.
    attributes: MOUNT_ATTR_*, whose first four are MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC.
    """
    attach(mount_detached(kind, options, attributes), target)


def mount_detached(kind: str, options: list[tuple[str, str | None]], attributes: int = 0) -> int:
    """A descriptor of a new mount's root, as `mount_new` makes one, attached nowhere: seen by
    no one else below /proc/self/fd/N, and gone when it is closed, be it by a kill.
    """
    context = _call(_FSOPEN, kind.encode(), _CLOEXEC)
    try:
        for key, value in options:
            if value is None:
                _call(_FSCONFIG, context, _SET_FLAG, key.encode(), None, 0)
            else:
                _call(_FSCONFIG, context, _SET_STRING, key.encode(), os.fsencode(value), 0)
        _call(_FSCONFIG, context, _CMD_CREATE, None, None, 0)
        return _call(_FSMOUNT, context, _CLOEXEC, attributes)
    finally:
        os.close(context)


def mount_idmapped(
    source: str, target: str, user_namespace: int, *, recursive: bool = False
) -> None:
    """Bind `source` on `target`, with owners shown as `user_namespace` (a descriptor) maps them;
    recursive: with what is mounted below it.

    EINVAL where the file system cannot be mapped, EPERM where the caller may not.
    """
    below = _AT_RECURSIVE if recursive else 0
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | below
    tree = _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(source), flags, path=source)
    try:
        attributes = _MountAttr(MOUNT_ATTR_IDMAP, 0, 0, user_namespace)
        size = ctypes.sizeof(attributes)
        reference = ctypes.byref(attributes)
        flags = _AT_EMPTY_PATH | below
        _call(_MOUNT_SETATTR, tree, b"", flags, reference, size, path=source)
    except OSError:
        os.close(tree)
        raise
    attach(tree, target)


def copy_of(pid: int, path: str) -> int:
    """A descriptor of a mount like the one at `path` as a process sees it, attached nowhere.

    Who makes it must be in the process's mount namespace: a thread that ends with that, and leaves
    this one as it is.
    """
    return syscalls.in_own_thread(lambda: _copy_within(pid, path))


def _copy_within(pid: int, path: str) -> int:
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(syscalls.CLONE_FS)  # root and working directory become the other's
        syscalls.setns(namespace, syscalls.CLONE_NEWNS)
    finally:
        os.close(namespace)
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    return _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags, path=path)


def attach(mounted: int, target: str) -> None:
    """Attach a detached mount at a path; its descriptor is closed in any case."""
    try:
        _call(
            _MOVE_MOUNT, mounted, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH,
            path=target,
        )  # fmt: skip
    finally:
        os.close(mounted)
