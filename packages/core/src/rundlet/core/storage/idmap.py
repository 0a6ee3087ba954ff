"""Showing a layer's files to a user namespace: by idmapped mounts, mount_setattr(2)."""

from __future__ import annotations

import os

from ..errors import InvalidArgument, StoreError
from ..linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.storage import IdMap, MountOptions


def mount_mapped(source: str, target: str, options: MountOptions) -> bool:
    """Bind `source` on `target` with the owners that the maps of `options` give.

    False where this kernel or file system cannot (Linux 5.12, and each file system since its
    own version).
    """
    from ..linux.mount_api import mount_idmapped

    namespace = _user_namespace(options.uid_map, options.gid_map)
    try:
        mount_idmapped(source, target, namespace)
    except OSError:
        return False
    finally:
        os.close(namespace)
    return True


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
