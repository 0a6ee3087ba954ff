"""A context's name becomes a directory."""

from __future__ import annotations

import os

from rundlet.core.content.compress import detect
from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.streams import RawStream
from rundlet.core.value import Value

from . import fetching, locations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rundlet.core.streams import ReadableFile

_NAMES = ("Containerfile", "Dockerfile")
_MAGIC = 512


class BuildContext(Value):
    """directory: its files. containerfile: the one that came instead of files, "" for none."""

    directory: str
    containerfile: str = ""


def resolve(location: str, scratch: str, stdin: BinaryIO | None = None) -> BuildContext:
    """Make a context's files a directory; what must be fetched goes below `scratch`.

    location: a folder, `-` for a tar or a Containerfile on stdin, a git URL, an http URL of
    a tar or a Containerfile. Raises NotFound, InvalidArgument, and what fetching raises.
    """
    target = os.path.join(scratch, f"context-{os.urandom(4).hex()}")
    if location == "-":
        if stdin is None:
            raise InvalidArgument("the build context - needs a standard input")
        return _of_stream(stdin, target)
    if locations.is_git(location):
        return BuildContext(fetching.clone(locations.git(location), target).directory)
    if locations.is_http(location):
        fetched = f"{target}.download"
        fetching.download(location, fetched)
        with open(fetched, "rb") as stream:
            return _of_stream(stream, target)
    directory = os.path.realpath(location)
    if not os.path.exists(directory):
        raise NotFound(f"build context {location}: no such directory")
    if not os.path.isdir(directory):
        raise InvalidArgument(f"build context {location} is not a directory")
    return BuildContext(directory)


def containerfile_in(directory: str) -> str:
    """The path of a directory's Containerfile or Dockerfile. Raises NotFound."""
    for name in _NAMES:
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            return path
    raise NotFound(
        f"no Containerfile or Dockerfile in {directory}",
        remedy="Name one with -f FILE.",
    )


def _of_stream(stream: ReadableFile, target: str) -> BuildContext:
    """A tar is unpacked; anything else is a Containerfile with an empty context."""
    start = stream.read(_MAGIC)
    os.makedirs(target)
    if start[257:262] == b"ustar" or detect(start):
        fetching.unpack(_Joined(start, stream), target)
        return BuildContext(target)
    path = os.path.join(os.path.dirname(target), f"Containerfile-{os.urandom(4).hex()}")
    with open(path, "xb") as out:
        out.write(start)
        while piece := stream.read(1 << 16):
            out.write(piece)
    return BuildContext(target, path)


class _Joined(RawStream):
    """What was read already, and the rest of the stream."""

    def __init__(self, start: bytes, rest: ReadableFile) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        if not self._start:
            return self._rest.read(size)
        if size < 0:
            size = len(self._start)
        piece, self._start = self._start[:size], self._start[size:]
        return piece
