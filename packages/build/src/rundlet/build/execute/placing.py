"""A planned ADD or COPY is carried out: into a root directory, or as a layer of its own."""

from __future__ import annotations

import os
import posixpath
import stat
from contextlib import contextmanager

from rundlet.build.context.arriving import Ownership, write
from rundlet.build.context.selecting import Member
from rundlet.core.archive.entry import DIRECTORY
from rundlet.core.archive.write import END, header
from rundlet.core.content.compress import decompressed
from rundlet.core.content.produced import Produced
from rundlet.core.errors import RundletError
from rundlet.core.spec import user

from . import filesystem
from .workspace import retimed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rundlet.core.streams import Readable, Writable

    from .copying import Group, Plan
    from .options import Timestamp

    Write = Callable[[Writable], None]


def apply(plan: Plan, root: str, timestamp: Timestamp | None = None) -> None:
    """Put the files into a root directory, with the times that are wanted.

    Raises errors that name file and line.
    """
    try:
        _apply(plan, root, timestamp)
    except RundletError as error:
        raise _located(plan, error) from None


def link(plan: Plan) -> Write:
    """What writes the files as a layer that depends on nothing below (--link)."""
    directory = plan.destination if plan.directory else posixpath.dirname(plan.destination)
    return _layer(plan, plan.destination, _chain("", directory), owner_of(plan, "/"))


def direct(plan: Plan, root: str) -> Write | None:
    """What writes the layer that copying onto a root would make, without copying first.

    None where what is there matters: a link or another kind of file in the place of one that
    arrives, archives. Raises errors that name file and line.
    """
    if plan.archives or plan.item.parents:
        return None
    try:
        owner = owner_of(plan, root)
    except RundletError as error:
        raise _located(plan, error) from None
    directory = plan.directory or filesystem.is_directory(root, plan.destination)
    plan = plan.replace(directory=directory)
    parent = plan.destination if directory else posixpath.dirname(plan.destination)
    real, missing = filesystem.resolved(root, parent)
    if missing is None:
        return None
    place = "/".join((real, *missing)) if missing else real
    if not missing and not all(_fits(plan, group, f"{root}/{place}") for group in plan.groups):
        return None
    target = place if directory else f"{place}/{posixpath.basename(plan.destination)}"
    above = [
        Member(f"{root}/{path}", path, os.lstat(f"{root}/{path}")) for path in _chain("", real)
    ]
    return _layer(plan, target, _chain(real, "/".join(missing)), owner, above)


def owner_of(plan: Plan, root: str) -> tuple[int, int] | None:
    """--chown in numbers, names looked up in a root directory; None when it was not given."""
    if not plan.item.chown:
        return None
    found = user.lookup(root, plan.item.chown)
    name, _, group = plan.item.chown.partition(":")
    if name.isdecimal() and not group:
        return found.uid, found.uid  # Dockerfile reference, COPY --chown
    return found.uid, found.gid


def _located(plan: Plan, error: RundletError) -> RundletError:
    """The error with file and line of the instruction."""
    item = plan.item
    error.message = f"{item.where}: {item.name}: {error.message}"
    error.args = (error.message,)
    return error


def _apply(plan: Plan, root: str, timestamp: Timestamp | None) -> None:
    owner = owner_of(plan, root)
    if filesystem.is_directory(root, plan.destination):
        plan = plan.replace(directory=True)
    base = plan.destination if plan.directory else posixpath.dirname(plan.destination)
    filesystem.make_directories(root, base, *(owner or (0, 0)))
    if plan.groups:
        with (
            Produced(_layer(plan, plan.destination, (), owner)) as tar,
            _timed(tar, timestamp) as timed,
        ):
            filesystem.unpack(root, timed)
    for path, _ in plan.archives:
        with (
            open(path, "rb") as packed,
            decompressed(packed) as content,
            _timed(content, timestamp) as timed,
        ):
            filesystem.unpack_below(root, plan.destination, timed)


@contextmanager
def _timed(tar: Readable, timestamp: Timestamp | None) -> Iterator[Readable]:
    """A tar whose members have the times that are wanted."""
    if timestamp is None:
        yield tar
        return
    with Produced(lambda out: retimed(tar, out, timestamp)) as changed:
        yield changed


def _layer(
    plan: Plan,
    destination: str,
    made: Iterable[str],
    owner: tuple[int, int] | None,
    above: Sequence[Member] = (),
) -> Write:
    """What writes all files below `destination`, or the one file as it.

    above: directories that are there, as they are (a layer that has a file has the directories
    above it too). made: new ones, which are as old as the newest file: nothing depends on when.
    """
    members = [member for group in plan.groups for member in group.selection.members]
    newest = max((member.status.st_mtime_ns for member in members), default=0)
    uid, gid = owner or (0, 0)

    def produce(out: Writable) -> None:
        write(above, _Unended(out), "", Ownership())
        for path in made:
            name = os.fsencode(path)
            out.write(header(name, DIRECTORY, mode=0o755, uid=uid, gid=gid, mtime=newest))
        for group in plan.groups:
            write(
                group.selection.members,
                _Unended(out),
                destination.lstrip("/"),
                _ownership(group, owner),
                renamed=not plan.directory,
            )
        out.write(END)

    return produce


def _ownership(group: Group, owner: tuple[int, int] | None) -> Ownership:
    if owner is None:
        return group.ownership
    return group.ownership.replace(uid=owner[0], gid=owner[1])


def _chain(real: str, names: str) -> list[str]:
    """The directories below `real` that a path of names goes through."""
    found: list[str] = []
    path = real
    for name in names.split("/"):
        if name:
            path = f"{path}/{name}".lstrip("/")
            found.append(path)
    return found


def _fits(plan: Plan, group: Group, directory: str) -> bool:
    """Whether nothing there is a link, or a directory where a file arrives or the reverse."""
    return all(
        _fits_one(member, f"{directory}/{member.name if plan.directory else _base(plan)}")
        for member in group.selection.members
        if member.name
    )


def _base(plan: Plan) -> str:
    return posixpath.basename(plan.destination)


def _fits_one(member: Member, path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return True
    return not stat.S_ISLNK(mode) and stat.S_ISDIR(mode) == member.is_directory


class _Unended:
    """A stream that leaves out the end marks of archives written one after the other."""

    def __init__(self, out: Writable) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        return len(data) if data is END else self._out.write(data)
