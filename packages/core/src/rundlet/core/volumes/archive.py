"""A volume's content as a tar: `volume export` and `volume import`."""

from __future__ import annotations

import os

from ..archive.create import write_tree
from ..archive.extract import extract
from ..archive.whiteouts import PLAIN
from ..content.compress import decompressed
from ..linux.mounts import is_mounted
from ..storage import staging
from ..storage.copy import copy_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..streams import ReadableFile, Writable


def write(data: str, out: Writable) -> tuple[str, ...]:
    """Write the content of a volume's directory as an uncompressed tar.

    Returns warnings about files that changed meanwhile. Raises NoSpace, StoreError.
    """
    return write_tree(data, out, whiteouts=PLAIN)


def read(data: str, stream: ReadableFile) -> None:
    """Unpack a tar, compressed or not, over what is in a volume's directory.

    It is unpacked beside the volume first: a damaged or hostile archive, a full disk or a kill
    changes nothing. Raises Corrupt, UnsafeArchive, NoSpace, StoreError.
    """
    if is_mounted(data):  # nothing can be moved there from beside
        with decompressed(stream) as plain:
            _unpack(plain, data)
        return
    beside = os.path.join(os.path.dirname(data), "_importing")
    staging.delete(beside)
    os.mkdir(beside, 0o700)
    try:
        with decompressed(stream) as plain:
            _unpack(plain, beside)
        _merge(beside, data)
    finally:
        staging.delete(beside)


def _unpack(stream: ReadableFile, directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        extract(stream, descriptor, whiteouts=PLAIN)
    finally:
        os.close(descriptor)


def _merge(source: str, target: str) -> None:
    """Move all of one directory into another; directories that both have become one."""
    for entry in list(os.scandir(source)):
        there = os.path.join(target, entry.name)
        if not os.path.lexists(there):
            os.rename(entry.path, there)
        elif entry.is_dir(follow_symlinks=False) and _is_directory(there):
            info = os.lstat(entry.path)
            _merge(entry.path, there)
            copy_attributes(entry.path, there, info)
        else:
            if entry.is_dir(follow_symlinks=False) or _is_directory(there):
                staging.delete(there)
            os.rename(entry.path, there)


def _is_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)
