"""Selected files as a tar that is unpacked below a root directory, and what they are made of.

The fingerprint is what the cache compares: of each file its place, kind, mode, owner and
content. Times are left out, as in Docker and buildah: a fresh clone has others.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat

from rundlet.core.archive import entry as kinds
from rundlet.core.archive.create import KINDS
from rundlet.core.archive.write import END, header, padding
from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rundlet.core.streams import Writable

    from .modes import Mode
    from .selecting import Member

_PIECE = 1 << 18
_NEVER = (b"security.selinux", b"security.evm", b"trusted.overlay.", b"user.overlay.")


class Ownership(Value):
    """Whose the files are and what they may, where they arrive.

    uid, gid, mode: None keeps each file's own.
    """

    uid: int | None = None
    gid: int | None = None
    mode: Mode | None = None

    def owner(self, status: os.stat_result) -> tuple[int, int]:
        """Of one file."""
        return (
            status.st_uid if self.uid is None else self.uid,
            status.st_gid if self.gid is None else self.gid,
        )

    def permissions(self, status: os.stat_result) -> int:
        """Of one file; a link has none of its own."""
        if self.mode is None or stat.S_ISLNK(status.st_mode):
            return stat.S_IMODE(status.st_mode)
        return self.mode.of(stat.S_IMODE(status.st_mode), directory=stat.S_ISDIR(status.st_mode))


def fingerprints(members: Iterable[Member], ownership: Ownership) -> dict[str, str]:
    """Place to `kind mode uid:gid content` of all files. Raises NotFound for one that vanished."""
    return {member.name or ".": _fingerprint(member, ownership) for member in members}


def write(
    members: Iterable[Member],
    out: Writable,
    destination: str,
    ownership: Ownership,
    *,
    renamed: bool = False,
) -> None:
    """Write the files as a tar, placed below `destination` (relative to the root, "" for it).

    renamed: the one file is to be called exactly `destination`. The directory itself is not
    written. Raises NotFound, InvalidArgument for what cannot be archived or changed meanwhile.
    """
    for member in members:
        if not member.name:
            continue
        place = destination if renamed else f"{destination}/{member.name}".lstrip("/")
        _write(member, out, os.fsencode(place), ownership)
    out.write(END)


def _fingerprint(member: Member, ownership: Ownership) -> str:
    status = member.status
    kind = _kind(member).decode()
    uid, gid = ownership.owner(status)
    words = [kind, f"{ownership.permissions(status):o}", f"{uid}:{gid}"]
    if stat.S_ISREG(status.st_mode):
        words.append(_digest(member))
    elif stat.S_ISLNK(status.st_mode):
        words.append(os.readlink(member.path))
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        words.append(str(status.st_rdev))
    xattrs = _xattrs(member.path)
    if xattrs:
        words.append(hashlib.sha256(repr(sorted(xattrs.items())).encode()).hexdigest())
    return " ".join(words)


def _digest(member: Member) -> str:
    with _opened(member) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(member: Member, out: Writable, place: bytes, ownership: Ownership) -> None:
    status = member.status
    kind = _kind(member)
    uid, gid = ownership.owner(status)
    regular = kind == kinds.FILE
    device = status.st_rdev if kind in (kinds.CHARACTER, kinds.BLOCK_DEVICE) else 0
    out.write(
        header(
            place,
            kind,
            mode=ownership.permissions(status),
            uid=uid,
            gid=gid,
            size=status.st_size if regular else 0,
            mtime=status.st_mtime_ns,
            link=os.fsencode(os.readlink(member.path)) if kind == kinds.SYMLINK else b"",
            major=os.major(device),
            minor=os.minor(device),
            xattrs=_xattrs(member.path),
        )
    )
    if regular:
        _content(member, out)


def _content(member: Member, out: Writable) -> None:
    left = member.status.st_size
    with _opened(member) as file:
        while left and (piece := file.read(min(left, _PIECE))):
            out.write(piece)
            left -= len(piece)
    if left:
        raise InvalidArgument(f"{member.path} became shorter while it was copied")
    out.write(padding(member.status.st_size))


def _opened(member: Member) -> io.FileIO:
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return open(os.open(member.path, flags), "rb", buffering=0)
    except OSError as error:
        raise NotFound(f"cannot read {member.path}: {error.strerror}") from None


def _kind(member: Member) -> bytes:
    found = KINDS.get(stat.S_IFMT(member.status.st_mode))
    if found is None:
        raise InvalidArgument(
            f"{member.path} is a socket, which cannot be copied",
            remedy="Leave it out with an ignore file.",
        )
    return found


def _xattrs(path: str) -> dict[bytes, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {
            os.fsencode(name): os.getxattr(path, name, follow_symlinks=False)
            for name in names
            if not os.fsencode(name).startswith(_NEVER)
        }
    except OSError:
        return {}  # a file system without them, or a file that has vanished
