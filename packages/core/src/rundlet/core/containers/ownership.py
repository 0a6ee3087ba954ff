"""Giving files to a container's user."""

from __future__ import annotations

import os

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.storage import IdMap

_NEVER = frozenset(
    ("/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/root", "/run",
     "/sbin", "/srv", "/sys", "/usr", "/var", "/home", "/tmp")
)  # fmt: skip
"""Where a change of owner ruins the machine, also when asked for with :U."""


def host_id(number: int, maps: Sequence[IdMap]) -> int:
    """An id of the container as the host sees it. Raises InvalidArgument when not mapped."""
    if not maps:
        return number
    for row in maps:
        if row.container <= number < row.container + row.size:
            return row.host + number - row.container
    raise InvalidArgument(f"id {number} is not mapped in the container's user namespace")


def chown_tree(path: str, uid: int, gid: int) -> None:
    """Change the owner of a path and of all below; links themselves, not what they lead to.

    Directories are held open and entries addressed below them: nobody who renames things
    meanwhile leads us elsewhere. Raises InvalidArgument for a directory of the system.
    """
    if os.path.realpath(path) in _NEVER:
        raise InvalidArgument(f"{path}: the owner of a system directory is not changed (:U)")
    if not os.path.isdir(path):
        os.chown(path, uid, gid, follow_symlinks=False)
        return
    for _, _, files, directory in os.fwalk(path, follow_symlinks=False):
        _change(directory, "", uid, gid)
        for name in files:
            _change(directory, name, uid, gid)


def _change(directory: int, name: str, uid: int, gid: int) -> None:
    if not name:
        found = os.fstat(directory)
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(directory, uid, gid)
        return
    try:
        os.chown(name, uid, gid, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return  # removed meanwhile
