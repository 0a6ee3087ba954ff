"""User namespaces that are asked for by name: --userns=auto, keep-id, nomap, --subuidname.

The maps are chosen when the container is created, and kept with it: its files have owners by
them. podman-run(1), containers-storage.conf(5) [storage.options] root-auto-userns-user.
"""

from __future__ import annotations

import os

from ..contracts.storage import IdMap
from ..errors import InvalidArgument
from ..state import containers as rows
from ..value import Value
from . import rootfs
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

_UNLISTED_USER = "containers"
_UNLISTED = ((2147483647, 2147483648),)
"""The ids of the user "containers", the default of `auto_userns_user`, where /etc/subuid does not
say: those that containers-storage.conf(5) tells administrators to give."""
_NOBODY = 65534


class Auto(Value):
    """Options of `auto`. size: ids; 0: as many as the image's files of users need."""

    size: int = 0
    uids: tuple[IdMap, ...] = ()
    gids: tuple[IdMap, ...] = ()


def prepare(engine: Engine, row: Container, request: ContainerRequest) -> ContainerRequest:
    """The request with id maps. Raises InvalidArgument. The layer of the container is there."""
    kind, _, options = request.userns.partition(":")
    if request.sub_uid_name or request.sub_gid_name:
        return _named(request)
    if kind in ("container", "ns"):
        return _joined(engine, request, kind, options)
    if kind not in ("auto", "keep-id", "nomap"):
        return request
    if request.uid_map or request.gid_map:
        raise InvalidArgument(f"--userns={kind} and --uidmap or --gidmap cannot be used together")
    if kind == "nomap":
        raise InvalidArgument("nomap is only supported in rootless mode")
    if kind == "keep-id":
        if options:
            raise InvalidArgument("--userns=keep-id takes uid and gid only in rootless mode")
        return request.replace(uid_map=own("uid"), gid_map=own("gid"))
    return _automatic(engine, row, request, auto(options))


def _joined(engine: Engine, request: ContainerRequest, kind: str, place: str) -> ContainerRequest:
    """The maps of the namespace that is joined: the container's files have owners by them."""
    if request.pod and request.uid_map:
        return request  # its pod's, whose maps are known
    if request.uid_map or request.gid_map:
        raise InvalidArgument(f"--userns={kind} and --uidmap or --gidmap cannot be used together")
    if kind == "container":
        other = request_of(rows.find(engine.database, place).request)
        return request.replace(uid_map=other.uid_map, gid_map=other.gid_map)
    try:
        if os.path.samefile(place, "/proc/self/ns/user"):
            return request.replace(userns="host")  # nobody can enter where he is
    except OSError as error:
        raise InvalidArgument(f"--userns ns:{place}: {error.strerror}") from None
    return request.replace(uid_map=_inside(place, "uid"), gid_map=_inside(place, "gid"))


def _inside(namespace: str, kind: str) -> tuple[IdMap, ...]:
    """The map of a user namespace, as seen from ours. Raises InvalidArgument."""
    from ..linux.syscalls import read_in_user_namespace

    try:
        text = read_in_user_namespace(namespace, f"/proc/self/{kind}_map")
    except OSError as error:
        raise InvalidArgument(f"--userns ns:{namespace}: {error.strerror}") from None
    found = [list(map(int, line.split())) for line in text.splitlines()]
    return tuple(IdMap(*numbers) for numbers in found)


def without_container(engine: Engine, request: ContainerRequest) -> ContainerRequest:
    """The request with id maps for work that is no container yet: a build's.

    Its steps may make users of any number: `auto` without a size has them all. Raises
    InvalidArgument.
    """
    kind, colon, options = request.userns.partition(":")
    if request.sub_uid_name or request.sub_gid_name:
        return _named(request)
    if request.uid_map or request.gid_map:
        uids, gids = request.uid_map or request.gid_map, request.gid_map or request.uid_map
        return request.replace(userns="private", uid_map=uids, gid_map=gids)
    if kind not in ("auto", "private", "container", "ns"):
        return request
    if colon and kind in ("container", "ns"):
        joined = _joined(engine, request, kind, options)
        return joined.replace(userns="private") if joined.uid_map else joined
    wanted = auto(options)
    size = wanted.size or engine.settings.auto_userns_max_size
    start = _free(_used(engine), size, engine.settings.auto_userns_user)
    uids = _around(start, size, wanted.uids)
    gids = _around(start, size, wanted.gids)
    return request.replace(userns="private", uid_map=uids, gid_map=gids)


def auto(text: str) -> Auto:
    """ "size=N,uidmapping=C:H:S,gidmapping=C:H:S". Raises InvalidArgument."""
    found = Auto()
    for option in filter(None, text.split(",")):
        name, _, value = option.partition("=")
        if name == "size" and value.isdecimal() and int(value) > 0:
            found = found.replace(size=int(value))
        elif name == "uidmapping":
            found = found.replace(uids=(*found.uids, _mapping(value)))
        elif name == "gidmapping":
            found = found.replace(gids=(*found.gids, _mapping(value)))
        else:
            raise InvalidArgument(f"unknown option specified: {option!r} of --userns=auto")
    return found


def _mapping(text: str) -> IdMap:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise InvalidArgument(f"invalid id map {text!r}: must be container:host:size")
    return IdMap(*map(int, parts))


def _named(request: ContainerRequest) -> ContainerRequest:
    """The ranges of a user (and a group of ids, by default of the same name), one after another."""
    uids, gids = request.sub_uid_name, request.sub_gid_name
    if request.userns not in ("", "private"):
        raise InvalidArgument(f"--subuidname cannot be used with --userns={request.userns}")
    return request.replace(
        userns="private",
        uid_map=_rows("/etc/subuid", uids or gids),
        gid_map=_rows("/etc/subgid", gids or uids),
    )


def _rows(path: str, name: str) -> tuple[IdMap, ...]:
    found, begin = [], 0
    for start, size in ranges(path, name):
        found.append(IdMap(begin, start, size))
        begin += size
    if not found:
        raise InvalidArgument(f"no ids of {name!r} in {path}", remedy="add a line NAME:FIRST:COUNT")
    return tuple(found)


def ranges(path: str, name: str) -> Sequence[tuple[int, int]]:
    """First id and count of each line of a user in subuid(5)."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip().split(":") for line in file]
    except OSError:
        return ()
    return [
        (int(fields[1]), int(fields[2]))
        for fields in lines
        if len(fields) == 3 and fields[0] == name and "".join(fields[1:]).isdecimal()
    ]


def own(kind: str) -> tuple[IdMap, ...]:
    """The map that this process lives in, once more."""
    with open(f"/proc/self/{kind}_map", encoding="utf-8") as file:
        rows = [list(map(int, line.split())) for line in file]
    return tuple(IdMap(inside, inside, size) for inside, _, size in rows)


def _automatic(
    engine: Engine, row: Container, request: ContainerRequest, wanted: Auto
) -> ContainerRequest:
    """Ids that no other container with a namespace of its own has."""
    size = wanted.size or _size(engine, row, request)
    with engine.locks.hold("userns", "auto"):
        used = _used(engine)
        start = _free(used, size, engine.settings.auto_userns_user)
        uids = _around(start, size, wanted.uids)
        gids = _around(start, size, wanted.gids)
        changed = request.replace(uid_map=uids, gid_map=gids)
        _keep(engine, row, changed)
    return changed


def _around(start: int, size: int, fixed: Sequence[IdMap]) -> tuple[IdMap, ...]:
    """Ids 0 to size in order, but for those that the user has mapped."""
    found = list(fixed)
    position = 0
    for one in (*sorted(fixed, key=lambda one: one.container), IdMap(size, 0, 0)):
        if one.container > position:
            found.append(IdMap(position, start + position, min(one.container, size) - position))
        position = max(position, one.container + one.size)
    return tuple(sorted(found, key=lambda one: one.container))


def _used(engine: Engine) -> list[tuple[int, int]]:
    """First id and the one after the last of each container's maps."""
    found = []
    sql = "SELECT request FROM containers WHERE request LIKE '%\"uid_map\"%'"
    for (text,) in engine.database.rows(sql):
        other = request_of(text)
        found += [(one.host, one.host + one.size) for one in (*other.uid_map, *other.gid_map)]
    return sorted(found)


def _free(used: Sequence[tuple[int, int]], size: int, owner: str) -> int:
    """The lowest start of so many unused ids of a user who has them for containers.

    Raises InvalidArgument where there are none.
    """
    listed = ranges("/etc/subuid", owner)
    if not listed and owner != _UNLISTED_USER:
        raise InvalidArgument(
            f"--userns=auto: user {owner} (root-auto-userns-user) has no ids in /etc/subuid",
            remedy=f"add a line {owner}:FIRST:COUNT to /etc/subuid and to /etc/subgid",
        )
    for first, count in listed or _UNLISTED:
        start = first
        for begin, end in used:
            if begin < start + size and end > start:
                start = end
        if start + size <= first + count:
            return start
    raise InvalidArgument(
        f"--userns=auto: no {size} ids are free",
        remedy=f"give user {owner} more of them in /etc/subuid and /etc/subgid",
    )


def _keep(engine: Engine, row: Container, request: ContainerRequest) -> None:
    """Note the maps at once: the next container looks for them."""
    from .stored import request_text

    rows.update(engine.database, row.id, request=request_text(request))


def _size(engine: Engine, row: Container, request: ContainerRequest) -> int:
    """Enough for all users and groups of the image, and for --user."""
    from ..spec.rootfs import read_text

    highest = 0
    root = rootfs.mount(engine, row, request)
    try:
        for path in ("/etc/passwd", "/etc/group"):
            for line in read_text(root, path).splitlines():
                fields = line.split(":")
                if len(fields) > 2 and fields[2].isdecimal() and int(fields[2]) != _NOBODY:
                    highest = max(highest, int(fields[2]))
    finally:
        rootfs.unmount(engine, row)
    for text in request.user.split(":"):
        highest = max(highest, int(text)) if text.isdecimal() else highest
    settings = engine.settings
    return min(max(highest + 1, settings.auto_userns_min_size), settings.auto_userns_max_size)
