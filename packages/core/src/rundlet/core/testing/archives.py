"""Layer archives for tests, made with Python's tarfile: a second opinion on ours."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from typing import BinaryIO

DEFAULT_TIME = 1_700_000_000.125


class Archive:
    """An archive being made; each call adds a member and returns the archive."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)

    def add(
        self,
        name: str,
        kind: bytes = tarfile.REGTYPE,
        *,
        content: bytes = b"",
        mode: int = 0o644,
        owner: tuple[int, int] = (0, 0),
        time: float = DEFAULT_TIME,
        link: str = "",
        device: tuple[int, int] = (0, 0),
        xattrs: dict[str, str] | None = None,
    ) -> Archive:
        """Any member. time: seconds since the epoch."""
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.mtime, info.linkname = kind, mode, time, link
        info.uid, info.gid = owner
        info.size = len(content)
        info.devmajor, info.devminor = device
        info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in (xattrs or {}).items()}
        self._tar.addfile(info, io.BytesIO(content))
        return self

    def file(self, name: str, content: str = "", mode: int = 0o644) -> Archive:
        """A regular file."""
        return self.add(name, content=content.encode(), mode=mode)

    def directory(self, name: str, mode: int = 0o755) -> Archive:
        """A directory."""
        return self.add(name, tarfile.DIRTYPE, mode=mode)

    def symlink(self, name: str, target: str) -> Archive:
        """A symbolic link."""
        return self.add(name, tarfile.SYMTYPE, link=target, mode=0o777)

    def hard_link(self, name: str, target: str) -> Archive:
        """A hard link."""
        return self.add(name, tarfile.LNKTYPE, link=target)

    def data(self) -> bytes:
        """The whole archive."""
        self._tar.close()
        return self._buffer.getvalue()

    def stream(self) -> BinaryIO:
        """The whole archive as a stream."""
        return io.BytesIO(self.data())


def snapshot(root: str, *, times: bool = True) -> dict[str, tuple[object, ...]]:
    """Everything worth comparing below a directory, by path; "" is the directory itself.

    Of each: kind and mode, owner, device, content, modification time, xattrs, other names.
    """
    names: dict[int, list[str]] = {}
    found: dict[str, tuple[object, ...]] = {}
    paths = [root]
    for directory, below, files in os.walk(root):
        paths += [os.path.join(directory, name) for name in (*below, *files)]
    for path in paths:
        info = os.lstat(path)
        inner = path[len(root) :]
        if not stat.S_ISDIR(info.st_mode):
            names.setdefault(info.st_ino, []).append(inner)
        found[inner] = (
            stat.filemode(info.st_mode),
            (info.st_uid, info.st_gid),
            info.st_rdev,
            _content(path, info),
            info.st_mtime_ns if times else 0,
            _xattrs(path),
        )
    others = {name: tuple(sorted(group)) for group in names.values() for name in group}
    return {path: (*facts, others.get(path, ())) for path, facts in found.items()}


def _content(path: str, info: os.stat_result) -> str:
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def _xattrs(path: str) -> tuple[tuple[str, bytes], ...]:
    names = os.listxattr(path, follow_symlinks=False)
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(names))
