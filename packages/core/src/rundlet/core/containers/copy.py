"""cp: files between the host, containers and tar streams (podman-cp(1)).

Both ends are the same: an open root directory, and a path that is followed below it. What is
copied goes as a tar from one thread to the other, so that every kind of file, link, hole and
attribute arrives; nothing is looked up by a path that a container could bend.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..archive.beneath import lookup
from ..archive.create import write_member, write_tree
from ..archive.extract import extract
from ..archive.ids import IdMaps, OneOwner
from ..archive.whiteouts import PLAIN
from ..content.compress import decompressed
from ..content.produced import Produced
from ..errors import InvalidArgument, NotFound, WrongState
from ..spec import user
from ..value import Value
from . import mounting
from .state import has_process
from .stored import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import Container
    from ..streams import Readable, ReadableFile, Writable

_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Place(Value):
    """One end of a copy: a path of a container, or of the host where `container` is ""."""

    container: str = ""
    path: str = ""


class _End(Value):
    """An end that was looked up: `name` in the open directory `directory`; where it may be.

    status: None where there is nothing. text: as it was said. where: for messages.
    ids: how its owners are mapped. owner: whom what arrives belongs to.
    """

    directory: int
    name: bytes
    status: os.stat_result | None
    text: str
    where: str
    ids: IdMaps | None
    owner: OneOwner

    @property
    def is_directory(self) -> bool:
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    def open(self) -> int:
        """The directory that it is."""
        return os.open(self.name, _ROOT_FLAGS, dir_fd=self.directory)


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
        start = stack.enter_context(_end(engine, source))
        if start.status is None:
            raise _missing(start)
        goal = stack.enter_context(_end(engine, target))
        _copy(start, goal, chown, overwrite)


def listed(engine: Engine, place: Place) -> list[tuple[str, bool]]:
    """The names in a directory, and which of them are directories. Raises NotFound."""
    with _end(engine, place) as found:
        if not found.is_directory:
            raise _missing(found)
        directory = found.open()
        try:
            with os.scandir(directory) as entries:
                return [(one.name, one.is_dir(follow_symlinks=False)) for one in entries]
        finally:
            os.close(directory)


def copy_out(engine: Engine, source: Place, out: Writable) -> None:
    """Write a file or directory as a tar: `cp SOURCE -`. Raises NotFound."""
    with _end(engine, source) as start:
        if start.status is None:
            raise _missing(start)
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
    with _end(engine, target) as goal:
        if goal.status is None:
            raise _missing(goal)
        if not goal.is_directory:
            raise InvalidArgument(
                f"destination must be a directory when copying from stdin: {target.path}"
            )
        with decompressed(stream) as plain:
            _unpack(plain, goal.open(), goal, chown, overwrite)


def _copy(start: _End, goal: _End, chown: bool, overwrite: bool) -> None:
    if start.is_directory:
        into = _into_for_directory(start, goal, overwrite)
    else:
        if goal.text.endswith("/") and not goal.is_directory:
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


def _into_for_directory(start: _End, goal: _End, overwrite: bool) -> bool:
    """Whether a directory goes into the goal, not in its place."""
    if goal.status is None or goal.is_directory:
        return goal.is_directory
    if not overwrite:
        raise InvalidArgument(
            f"destination must be a directory when copying a directory: {goal.text}"
        )
    return False


def _write_content(start: _End, out: Writable) -> None:
    directory = start.open()
    try:
        write_tree(f"/proc/self/fd/{directory}", out, whiteouts=PLAIN, ids=start.ids)
    finally:
        os.close(directory)


def _unpack(tar: Readable, place: int, goal: _End, chown: bool, overwrite: bool) -> None:
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


def _missing(end: _End) -> NotFound:
    return NotFound(f'"{end.text}" could not be found on {end.where}: no such file or directory')


@contextmanager
def _end(engine: Engine, place: Place) -> Iterator[_End]:
    """Look a place up, with a container's root mounted meanwhile."""
    if not place.container:
        path = os.path.join(os.getcwd(), place.path)
        owner = OneOwner(os.getuid(), os.getgid())
        with _looked_up("/", path, place.path, "the host", None, owner) as found:
            yield found
        return
    row = engine.containers.get(place.container)
    maps = _maps(row)
    with _container_root(engine, row, place.path) as (root, path, whole):
        owner = _owner(row, whole, maps)
        where = f"container {row.id}"
        with _looked_up(root, path, place.path, where, maps, owner) as found:
            yield found


@contextmanager
def _looked_up(
    root: str, path: str, text: str, where: str, ids: IdMaps | None, owner: OneOwner
) -> Iterator[_End]:
    opened = os.open(root, _ROOT_FLAGS)
    try:
        try:
            directory, name = lookup(opened, os.fsencode(path))
        except (FileNotFoundError, NotADirectoryError):
            problem = "no such file or directory"
            raise NotFound(f'"{text}" could not be found on {where}: {problem}') from None
    finally:
        os.close(opened)
    try:
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            status = None
        yield _End(directory, name, status, text, where, ids, owner)
    finally:
        os.close(directory)


@contextmanager
def _container_root(engine: Engine, row: Container, path: str) -> Iterator[tuple[str, str, str]]:
    """(directory to look below, path below it, the root directory) for a path in a container.

    In a running container the kernel shows all its mounts. In another one its volumes and
    bind mounts are not there: a path in one of them is looked up in what would be mounted.
    """
    request = request_of(row.request)
    image = json.loads(row.extra).get("image", {})
    workdir = request.workdir or str(image.get("WorkingDir") or "/")
    inside = os.path.normpath(os.path.join("/", workdir, path))
    if path.endswith(("/", "/.")) and inside != "/":
        inside += "/"
    if has_process(row) and engine.plugins.runtime(row.runtime).shares_kernel:
        root = f"/proc/{row.pid}/root"
        yield root, inside, root
        return
    with mounting.mounted(engine, row) as root:
        best = max(
            (item for item in request.mounts if _holds(item.destination, inside)),
            key=lambda item: len(item.destination),
            default=None,
        )
        if best is None:
            yield root, inside, root
            return
        if best.kind not in ("bind", "volume"):
            raise WrongState(
                f"{best.destination} in container {row.id} is of kind {best.kind},"
                " which is not there while it does not run",
                remedy=f"start {row.name} first",
            )
        is_path = best.kind == "bind" or best.source.startswith("/")
        base = best.source if is_path else engine.volumes.path(best.source)
        rest = inside[len(best.destination.rstrip("/")) :]
        if os.path.isdir(base):
            yield base, rest or "/", root
        else:  # a file that is mounted over one
            yield os.path.dirname(base), os.path.basename(base), root


def _holds(destination: str, path: str) -> bool:
    above = destination.rstrip("/")
    return path.rstrip("/") == above or path.startswith(above + "/")


def _maps(row: Container) -> IdMaps | None:
    request = request_of(row.request)
    if not request.uid_map and not request.gid_map:
        return None
    return IdMaps(request.uid_map or request.gid_map, request.gid_map or request.uid_map)


def _owner(row: Container, root: str, maps: IdMaps | None) -> OneOwner:
    """The container's user, as the host numbers it."""
    image = json.loads(row.extra).get("image", {})
    wanted = request_of(row.request).user or str(image.get("User") or "")
    found = user.lookup(root, wanted) if wanted else None
    uid, gid = (found.uid, found.gid) if found else (0, 0)
    return OneOwner(*(maps.to_host(uid, gid) if maps else (uid, gid)))


def parse(text: str) -> Place | None:
    """One word of the command line: "-" is None, "NAME:PATH" a container's, else the host's.

    A path with a colon is told by beginning with "/" or "." (podman-cp(1)).
    """
    if text == "-":
        return None
    name, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".")):
        return Place(path=text)
    if not name or not path:
        raise InvalidArgument(f"{text}: needs both a container and a path in it")
    return Place(name, path)


def standard_input() -> ReadableFile:
    """Where `cp -` reads. Raises InvalidArgument for a terminal."""
    if sys.stdin.isatty():
        raise InvalidArgument("cannot read a tar from a terminal: redirect standard input")
    return sys.stdin.buffer
