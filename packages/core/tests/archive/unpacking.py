"""Archives of a few members, unpacked."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.archive.extract import extract
from rundlet.core.archive.whiteouts import OVERLAY, Whiteouts
from rundlet.core.contracts.storage import LayerUsage

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: owners and devices")
D, S, L = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def member(
    name: str, content: bytes | None = None, kind: bytes | None = None, link: str = "", **more: Any
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind or (tarfile.REGTYPE if content is not None else tarfile.DIRTYPE)
    info.linkname = link
    info.mode = 0o755 if info.type == tarfile.DIRTYPE else 0o644
    info.size = len(content or b"")
    for key, value in more.items():
        setattr(info, key, value)
    return info, content or b""


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape"
    ) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def unpack(root: Path, data: bytes, whiteouts: Whiteouts = OVERLAY, **options: Any) -> LayerUsage:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        return extract(io.BytesIO(data), descriptor, whiteouts=whiteouts, **options)
    finally:
        os.close(descriptor)


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def snapshot(path: Path) -> Any:
    def facts(each: Path) -> Any:
        status = each.lstat()
        return (
            status.st_mode,
            status.st_uid,
            status.st_nlink,
            status.st_mtime_ns,
            status.st_size,
            os.listxattr(each, follow_symlinks=False),
        )

    return {str(each): facts(each) for each in [path, *path.rglob("*")]}


def xattr_member(name: str, kind: bytes, **xattrs: bytes) -> tuple[tarfile.TarInfo, bytes]:
    records = {
        f"SCHILY.xattr.{key.replace('__', '.')}": value.decode("utf-8", "surrogateescape")
        for key, value in xattrs.items()
    }
    return member(name, b"", kind, link="x", pax_headers=records)


def is_whiteout(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
