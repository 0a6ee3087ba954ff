"""The ends of a copy: places on the host and in containers, and how they are looked up.

An end is an open root directory, and a path that is followed below it: nothing is looked up by
a path that a container could bend.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..archive.beneath import lookup
from ..archive.ids import IdMaps, OneOwner
from ..errors import InvalidArgument, NotFound
from ..spec import user
from ..value import Value
from . import mounting
from .absent import is_filled_from_root, shown
from .rootfs import own_layer
from .state import has_process
from .stored import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import Container

_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Place(Value):
    """One end of a copy: a path of a container, or of the host where `container` is ""."""

    container: str = ""
    path: str = ""


class End(Value):
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


def listed(engine: Engine, place: Place) -> list[tuple[str, bool]]:
    """The names in a directory, and which of them are directories. Raises NotFound."""
    with looked_up(engine, place) as found:
        if not found.is_directory:
            raise missing(found)
        directory = found.open()
        try:
            with os.scandir(directory) as entries:
                return [(one.name, one.is_dir(follow_symlinks=False)) for one in entries]
        finally:
            os.close(directory)


@contextmanager
def looked_up(engine: Engine, place: Place) -> Iterator[End]:
    """Look a place up, with a container's root mounted meanwhile."""
    if not place.container:
        path = os.path.join(os.getcwd(), place.path)
        owner = OneOwner(os.getuid(), os.getgid())
        with _opened("/", path, place.path, "the host", None, owner) as found:
            yield found
        return
    row = engine.containers.get(place.container)
    maps = _maps(row)
    with _container_root(engine, row, place.path) as (root, path, whole):
        owner = _owner(row, whole, maps)
        where = f"container {place.container}"
        with own_layer(engine, row), _opened(root, path, place.path, where, maps, owner) as found:
            yield found


@contextmanager
def _opened(
    root: str, path: str, text: str, where: str, ids: IdMaps | None, owner: OneOwner
) -> Iterator[End]:
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
        yield End(directory, name, status, text, where, ids, owner)
    finally:
        os.close(directory)


@contextmanager
def _container_root(engine: Engine, row: Container, path: str) -> Iterator[tuple[str, str, str]]:
    """(directory to look below, path below it, the root directory) for a path in a container.

    In a running container the kernel shows all its mounts. In another one they are not there: a
    path in one of them is looked up in what would be mounted.
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
        if best is None or is_filled_from_root(row, best):
            yield root, inside, root
            return
        with shown(engine, row, best) as base:
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


def missing(end: End) -> NotFound:
    """The error for an end that is not there."""
    return NotFound(f'"{end.text}" could not be found on {end.where}: no such file or directory')
