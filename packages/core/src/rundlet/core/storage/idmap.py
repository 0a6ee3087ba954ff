"""Showing layers to a user namespace: by idmapped mounts, mount_setattr(2)."""

from __future__ import annotations

import fcntl
import os

from ..errors import InvalidArgument, StoreError
from ..linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ..contracts.storage import IdMap, MountOptions


_VIEW = "view"


class View:
    """`with View(home, options) as path`: all layers with the owners that the maps give.

    path is "" where this kernel or file system cannot (Linux 5.12, and each file system since
    a version of its own). The mount ends with the block: what was mounted over it in between
    keeps a clone of its own.

    It is a fixed place, used by one process at a time: nothing that deletes trees ever comes
    by there, and what a killed process left mounted is found by the next one.
    """

    def __init__(self, home: str, options: MountOptions) -> None:
        self._home = home
        self._options = options
        self._path = os.path.join(home, _VIEW)
        self._lock = -1

    def __enter__(self) -> str:
        from ..linux.mount_api import mount_idmapped

        self._lock = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            clear(self._home)
            os.makedirs(self._path, 0o700, exist_ok=True)
            namespace = _user_namespace(self._options.uid_map, self._options.gid_map)
            try:
                mount_idmapped(self._home, self._path, namespace)
            except OSError:
                return ""
            finally:
                os.close(namespace)
        except BaseException:
            os.close(self._lock)
            raise
        return self._path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        clear(self._home)
        os.close(self._lock)


def check(options: MountOptions) -> None:
    """Raise InvalidArgument for maps that no kernel takes (user_namespaces(7))."""
    for rows in (options.uid_map, options.gid_map):
        for side in ("container", "host"):
            ranges = sorted((getattr(row, side), row.size) for row in rows)
            ends = [start + size for start, size in ranges]
            starts = [start for start, _ in ranges[1:]]
            if any(end > start for end, start in zip(ends, starts, strict=False)):
                raise InvalidArgument(f"ranges of the {side} overlap in an id map: {ranges}")
            if any(size < 1 or start < 0 for start, size in ranges):
                raise InvalidArgument(f"an id map has an empty or negative range: {ranges}")


def clear(home: str) -> None:
    """Unmount what a view left."""
    path = os.path.join(home, _VIEW)
    while os.path.ismount(path) or _is_bind(home, path):
        syscalls.unmount(path, syscalls.MNT_DETACH)


def _is_bind(home: str, path: str) -> bool:
    """Whether `path` shows `home` itself (ismount cannot tell on one file system)."""
    try:
        return os.path.samefile(home, path)
    except FileNotFoundError:
        return False


def _user_namespace(uid_map: Sequence[IdMap], gid_map: Sequence[IdMap]) -> int:
    """A descriptor of a new user namespace with these maps (one for a map that is empty)."""
    ready, tell_ready = os.pipe()
    ended, tell_ended = os.pipe()
    pid = os.fork()
    if pid == 0:  # only holds the namespace until it has been opened
        try:
            os.close(ready)
            os.close(tell_ended)
            syscalls.unshare(syscalls.CLONE_NEWUSER)
            os.write(tell_ready, b"x")
            os.read(ended, 1)
        finally:
            os._exit(0)
    os.close(tell_ready)
    os.close(ended)
    try:
        if not os.read(ready, 1):
            raise StoreError(
                "cannot make a user namespace for an id map",
                remedy="See sysctl user.max_user_namespaces.",
            )
        _write_map(pid, "gid", gid_map or uid_map)
        _write_map(pid, "uid", uid_map or gid_map)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready)
        os.close(tell_ended)
        os.waitpid(pid, 0)


def _write_map(pid: int, kind: str, rows: Sequence[IdMap]) -> None:
    text = "".join(f"{row.container} {row.host} {row.size}\n" for row in rows)
    try:
        descriptor = os.open(f"/proc/{pid}/{kind}_map", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InvalidArgument(
            f"the kernel refuses this {kind} map: {text.strip()!r}: {error.strerror}"
        ) from error
