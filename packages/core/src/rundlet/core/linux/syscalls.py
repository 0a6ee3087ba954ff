"""System calls without a wrapper in Python's os module, through libc.

Errors are OSError with the path, as os functions raise them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_AT_FDCWD = -100
_SYS_OPENAT2 = 437  # on all machines; glibc has no wrapper yet
_RESOLVE_NO_XDEV = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, path: str | None) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2). `data` is limited by the kernel to one page (4095 bytes)."""
    _check(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            os.fsencode(data) or None,
        ),
        target,
    )


def unmount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), flags), target)


def unshare(flags: int) -> None:
    """unshare(2), for the calling thread."""
    _check(_libc.unshare(flags), None)


def in_own_thread(work: Callable[[], T]) -> T:
    """What `work` gives in a thread that ends with it: such a one may leave our namespaces alone
    (unshare(2), setns(2)). Raises OSError, as `work` does.
    """
    found: list[T] = []
    problems: list[OSError] = []
    done = allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            found.append(work())
        except OSError as error:
            problems.append(error)
        finally:
            done.release()

    start_new_thread(run, ())
    done.acquire()
    if problems:
        raise problems[0]
    return found[0]


def setns(descriptor: int, flags: int = 0) -> None:
    """setns(2), for the calling thread."""
    _check(_libc.setns(descriptor, flags), None)


def syncfs(descriptor: int) -> None:
    """syncfs(2): write all of the file system that holds an open file to its disk."""
    _check(_libc.syncfs(descriptor), None)


def exchange(one: str, other: str) -> None:
    """Swap two directory entries of one file system at once (renameat2(2), RENAME_EXCHANGE)."""
    _check(_libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), 2), other)


def open_unmounted(name: bytes, flags: int, parent: int) -> int:
    """os.open below a directory's descriptor, but OSError EXDEV for what something is mounted on.

    openat2(2) with RESOLVE_NO_XDEV: directories that are bound from the same file system are
    told apart too, which stat(2) cannot. Kernels before 5.6, and sandboxes without that call,
    open what they are asked to.
    """
    how = struct.pack("=QQQ", flags, 0, _RESOLVE_NO_XDEV)
    opened: int = _libc.syscall(_SYS_OPENAT2, parent, name, how, len(how))
    if opened >= 0:
        return opened
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EPERM):
        return os.open(name, flags, dir_fd=parent)
    raise OSError(number, os.strerror(number), name)


def read_in_user_namespace(namespace: str, path: str) -> str:
    """The text of a file as a process in a user namespace reads it (/proc/self/uid_map).

    namespace: its file. Read in a child: who has joined one cannot come back.
    """
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            setns(descriptor, CLONE_NEWUSER)
            with open(path, "rb") as file:
                os.write(writer, file.read(65536))
        finally:
            os._exit(0)
    os.close(writer)
    os.close(descriptor)
    with open(reader, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    if not text:
        raise OSError(22, os.strerror(22), namespace)
    return text.decode("ascii")
