"""The very archive that a layer was unpacked from, put together again: tar-split.

containers/storage keeps no archive of a layer. It keeps all of it that is not the content of
files (headers, padding, what follows the end), and takes the content from the unpacked files.

The record is gzip; each line is a JSON object (github.com/vbatts/tar-split, tar/storage):
    {"type": 2, "payload": BASE64}            bytes as they are
    {"type": 1, "name": NAME, "size": N}      N bytes of a file; `name_raw`, in base64, where
                                              the name is not UTF-8; no size: nothing
"""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from binascii import a2b_base64

from .. import json
from ..errors import Corrupt
from .beneath import DIRECTORY_FLAGS, lookup, shown
from .failures import unwritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..streams import Writable

_FILE = 1
_BYTES = 2
_PIECE = 256 * 1024


def size(record: str) -> int:
    """Bytes of the archive. Raises Corrupt for a record that is damaged or gone."""
    return sum(len(part) if isinstance(part, bytes) else part[1] for part in _parts(record))


def assemble(record: str, root: str, out: Writable) -> None:
    """Write the archive of the layer whose files are below `root`.

    Raises Corrupt where record or files are not what they were, BrokenPipeError, StoreError,
    NoSpace where `out` is full. Who knows the archive's digest checks it.
    """
    path = b""
    descriptor = os.open(root, DIRECTORY_FLAGS & ~os.O_NOFOLLOW)
    try:
        for part in _parts(record):
            if isinstance(part, bytes):
                out.write(part)
            else:
                path, count = part
                _copy(descriptor, path, count, out)
    except BrokenPipeError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise Corrupt(f"{root} has lost the file {shown(path)}") from None
    except OSError as error:
        raise unwritten(error, path) from error
    finally:
        os.close(descriptor)


def _parts(record: str) -> Iterator[bytes | tuple[bytes, int]]:
    """Bytes, or name and size of a file that is not empty, in order."""
    try:
        with gzip.open(record) as lines:
            for line in lines:
                item = json.loads(line)
                if item["type"] == _BYTES:
                    yield a2b_base64(item.get("payload") or "", strict_mode=True)
                elif item["type"] == _FILE and item.get("size"):
                    raw = item.get("name_raw")
                    name = a2b_base64(raw) if raw else item["name"].encode()
                    yield name, int(item["size"])
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError) as error:
        raise Corrupt(f"cannot read {record}: {error}") from None


def _copy(root: int, path: bytes, count: int, out: Writable) -> None:
    """Write a file's content, which has to have this many bytes."""
    directory, name = lookup(root, path)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=directory)
    finally:
        os.close(directory)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != count:
            raise Corrupt(f"{shown(path)} is not the file of {count} bytes that it was")
        left = count
        while left:
            piece = os.read(descriptor, min(left, _PIECE))
            if not piece:
                raise Corrupt(f"{shown(path)} shrank while it was read")
            out.write(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
