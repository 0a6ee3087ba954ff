"""Owner, mode, extended attributes and times of what is unpacked, in the order that keeps them.

chown(2) clears set-id bits and file capabilities, writing does too: so the owner comes
after the content, then the mode, then the attributes, then the times.
"""

from __future__ import annotations

import os
import stat
from errno import EINVAL, ENOTSUP, EPERM

from ..errors import StoreError
from .entry import FILE, SYMLINK
from .xattrs import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .entry import Entry
    from .ids import IdMaps, OneOwner

_WHOLE_MAP = 4294967295


class Attributes:
    """How an extraction sets attributes."""

    def __init__(self, ids: IdMaps | OneOwner | None, ignore_chown_errors: bool) -> None:
        self._ids = ids
        self._ignore_chown = ignore_chown_errors
        self._owners: dict[tuple[int, int], tuple[int, int]] = {}
        self._confined: bool | None = None

    def file(self, entry: Entry, descriptor: int) -> None:
        """Everything, of an open file."""
        self.owner_and_xattrs(entry, descriptor)
        os.utime(descriptor, ns=(entry.mtime, entry.mtime))

    def owner_and_xattrs(self, entry: Entry, descriptor: int) -> None:
        """Owner, mode (of a file) and extended attributes, of an open file or directory."""
        self._chown(descriptor, self._owner(entry.uid, entry.gid))
        if entry.kind == FILE:
            os.fchmod(descriptor, entry.mode)
        if entry.xattrs:
            self._set_xattrs(entry, descriptor, True)

    def other(self, entry: Entry, name: bytes, parent: int) -> None:
        """Everything, of a link, device or fifo just made, which cannot be opened."""
        self._chown(name, self._owner(entry.uid, entry.gid), parent)
        path = b"/proc/self/fd/%d/%s" % (parent, name)
        if entry.kind != SYMLINK:
            self._chmod(path, entry.mode)
        if entry.xattrs:
            self._set_xattrs(entry, path, False)
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def directory(self, descriptor: int, mode: int, mtime: int) -> None:
        """What is set last."""
        os.fchmod(descriptor, mode)
        os.utime(descriptor, ns=(mtime, mtime))

    def implicit(self, descriptor: int) -> None:
        """A directory that no member describes: root's, 0755, as containers/storage makes it."""
        self._chown(descriptor, self._owner(0, 0))
        os.fchmod(descriptor, 0o755)

    def in_user_namespace(self) -> bool:
        """Whether this process is confined to a part of the machine's ids."""
        if self._confined is None:
            with open("/proc/self/uid_map", "rb") as file:
                self._confined = int(file.read().split()[2]) < _WHOLE_MAP
        return self._confined

    def _owner(self, uid: int, gid: int) -> tuple[int, int]:
        if self._ids is None:
            return uid, gid
        found = self._owners.get((uid, gid))
        if found is None:
            found = self._owners[uid, gid] = self._ids.to_host(uid, gid)
        return found

    def _chown(
        self, target: int | bytes, owner: tuple[int, int], parent: int | None = None
    ) -> None:
        """Give away an open file, or a name below `parent`."""
        try:
            if parent is None:
                os.chown(target, *owner)
            else:
                os.chown(target, *owner, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (EPERM, EINVAL):
                raise
            if not self._ignore_chown:
                raise StoreError(
                    f"may not give files to {owner[0]}:{owner[1]} here",
                    remedy="run as root, or give the user namespace more ids"
                    " (/etc/subuid, /etc/subgid), or set ignore_chown_errors in storage.conf",
                ) from error

    def _chmod(self, path: bytes, mode: int) -> None:
        """chmod(2) without following the last name: through a descriptor that only names it."""
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISLNK(os.fstat(descriptor).st_mode):
                os.chmod(b"/proc/self/fd/%d" % descriptor, mode)
        finally:
            os.close(descriptor)

    def _set_xattrs(self, entry: Entry, target: int | bytes, follow: bool) -> None:
        for name, value in (entry.xattrs or {}).items():
            if name.startswith(NEVER):
                continue
            try:
                os.setxattr(target, name, value, follow_symlinks=follow)
            except OSError as error:
                if not self._may_fail(name, error):
                    raise

    def _may_fail(self, name: bytes, error: OSError) -> bool:
        """Filesystems without an attribute's kind, and confined callers, go on without it."""
        if error.errno == ENOTSUP:
            return True
        if not isinstance(error, PermissionError):
            return False
        # user.* is for files and directories only, xattr(7); trusted.* for the initial namespace.
        return name.startswith(b"user.") or os.geteuid() != 0 or self.in_user_namespace()
