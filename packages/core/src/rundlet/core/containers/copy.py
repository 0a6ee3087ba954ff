"""cp: files between the host, containers and tar streams (podman-cp(1)).

What is copied between two places (places.py) goes as a tar from one thread to the other, so that
every kind of file, link, hole and attribute arrives.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..archive.create import write_member, write_tree
from ..archive.extract import extract
from ..archive.whiteouts import PLAIN
from ..content.compress import decompressed
from ..content.produced import Produced
from ..errors import Corrupt, InvalidArgument, NotFound
from .places import End, Place, looked_up, missing

if TYPE_CHECKING:
    from ..engine import Engine
    from ..streams import Readable, ReadableFile, Writable


_NO_TAR = "source must be a (compressed) tar archive when copying from stdin"


def copy(
    engine: Engine, source: Place, target: Place, *, chown: bool = True, overwrite: bool = False
) -> None:
    """Copy a file or directory.

    As cp(1) does: into an existing directory, else to that very name; "DIR/." is the content
    of DIR. chown: it belongs to the container's user (the caller on the host), else to whom it
    did. overwrite: a directory may be replaced by something else, and the other way round.
    Raises NotFound, InvalidArgument, AlreadyExists.
    """
    with ExitStack() as stack:
        start = stack.enter_context(looked_up(engine, source))
        if start.status is None:
            _check_stream(source)
            raise missing(start)
        _check_kind(target)
        goal = stack.enter_context(looked_up(engine, target))
        _copy(start, goal, chown, overwrite)


def copy_out(engine: Engine, source: Place, out: Writable) -> None:
    """Write a file or directory as a tar: `cp SOURCE -`. Raises NotFound."""
    with looked_up(engine, source) as start:
        if start.status is None:
            raise missing(start)
        named = _base(start.text) or b"."
        write_member(start.directory, start.name, out, named=named, ids=start.ids)


def copy_in(
    engine: Engine,
    stream: ReadableFile,
    target: Place,
    *,
    chown: bool = True,
    overwrite: bool = False,
) -> None:
    """Unpack a tar, compressed or not, into an existing directory: `cp - TARGET`.

    Raises NotFound, InvalidArgument, Corrupt, UnsafeArchive, AlreadyExists.
    """
    with looked_up(engine, target) as goal:
        if not goal.is_directory:
            raise InvalidArgument(
                f"destination must be a directory when copying from stdin: {target.path}"
            )
        try:
            with decompressed(stream) as plain:
                _unpack(plain, goal.open(), goal, chown, overwrite)
        except Corrupt as error:
            raise Corrupt(f"{_NO_TAR}: {error.message}") from error


def _check_kind(target: Place) -> None:
    """/dev/stdout, pipes and devices of the host are nothing to copy to: `-` alone is a stream.

    Raises InvalidArgument, as podman does.
    """
    if target.container:
        return
    try:
        mode = os.stat(target.path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InvalidArgument(
            f'invalid destination: "{target.path}" must be a directory or a regular file',
            remedy="`-` as the destination writes a tar to standard output.",
        )


def _check_stream(source: Place) -> None:
    """/dev/stdin is there, but of no name when it is a pipe. Raises InvalidArgument for that."""
    if not source.container and os.path.exists(source.path):
        raise InvalidArgument(
            f'"{source.path}" is a pipe or socket, and no file or directory',
            remedy="`-` as the source reads a tar from standard input.",
        )


def _copy(start: End, goal: End, chown: bool, overwrite: bool) -> None:
    if start.is_directory:
        into = _into_for_directory(start, goal, overwrite)
    else:
        if goal.text.endswith("/") and not goal.is_directory:
            if goal.status is None:
                raise missing(goal)
            raise NotFound(f'"{goal.text}" could not be found on {goal.where}: not a directory')
        into = goal.is_directory
    if into and start.is_directory and _is_content(start.text):
        with Produced(lambda out: _write_content(start, out)) as tar:
            _unpack(tar, goal.open(), goal, chown, overwrite)
        return
    named = _base(start.text) if into else goal.name

    def write(out: Writable) -> None:
        write_member(start.directory, start.name, out, named=named, ids=start.ids)

    place = goal.open() if into else os.dup(goal.directory)
    with Produced(write) as tar:
        _unpack(tar, place, goal, chown, overwrite)


def _into_for_directory(start: End, goal: End, overwrite: bool) -> bool:
    """Whether a directory goes into the goal, not in its place."""
    if goal.status is None or goal.is_directory:
        return goal.is_directory
    if not overwrite:
        raise InvalidArgument(
            f"destination must be a directory when copying a directory: {goal.text}"
        )
    return False


def _write_content(start: End, out: Writable) -> None:
    directory = start.open()
    try:
        write_tree(f"/proc/self/fd/{directory}", out, whiteouts=PLAIN, ids=start.ids)
    finally:
        os.close(directory)


def _unpack(tar: Readable, place: int, goal: End, chown: bool, overwrite: bool) -> None:
    """Unpack below an open directory, and close that."""
    ids = goal.owner if chown else goal.ids
    try:
        extract(tar, place, whiteouts=PLAIN, ids=ids, keep_kinds=not overwrite)
    finally:
        os.close(place)


def _is_content(text: str) -> bool:
    return text.endswith("/.") or text in (".", "/") or not _base(text)


def _base(text: str) -> bytes:
    """The last name of a path as it was said: b"" for the root, or one that ends in dots."""
    name = os.fsencode(text).rstrip(b"/").rpartition(b"/")[2]
    return b"" if name in (b".", b"..") else name


def standard_input() -> ReadableFile:
    """Where `cp -` reads. Raises InvalidArgument for a terminal, and where nothing is to come."""
    if sys.stdin.isatty():
        raise InvalidArgument("cannot read a tar from a terminal: redirect standard input")
    stream = sys.stdin.buffer
    assert isinstance(stream, io.BufferedReader)
    if not stream.peek(1):
        raise InvalidArgument(f"{_NO_TAR}: it is empty")
    return stream
