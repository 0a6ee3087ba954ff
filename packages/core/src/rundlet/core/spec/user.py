"""Who the process is: `--user`, looked up in the container's own /etc/passwd and /etc/group."""

from __future__ import annotations

import os

from ..errors import InvalidArgument, NotInImage
from ..value import EMPTY, Value
from .rootfs import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MAX_ID = (1 << 32) - 2


class User(Value):
    """Numbers of a process's user, and its home directory ("/" when not known)."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"


def lookup(
    root: str,
    user: str,
    group_add: Sequence[str] = (),
    groups: str = "",
    files: Mapping[str, str] = EMPTY,
) -> User:
    """Resolve "user[:group]", names or numbers; "" is root.

    As podman: a name must be in the image's passwd; a number need not; without a group
    the passwd entry's is taken and /etc/group's memberships are added, with one they are
    not. The primary group is always among the additional groups, so that files which
    deny it cannot be reached by dropping it (CVE-2022-2989).
    groups: "merge" adds the memberships with a group too, "strict" never (the CRI's
    SupplementalGroupsPolicy). files: places in the container to what of the host is mounted
    there, over what the root has. Raises NotInImage for an unknown name.
    """
    name, colon, group = user.partition(":")
    entry = _passwd_entry(root, name or "0", files)
    uid = _number(entry[2]) if entry else _id(name or "0", user, "user", "passwd")
    gid = _number(entry[3]) if entry else 0
    members: list[int] = []
    chosen = bool(colon and group)
    if chosen:
        gid = _group(root, group, files)
    if entry and groups != "strict" and (not chosen or groups == "merge"):
        members = [
            _number(fields[2])
            for fields in _lines(root, "/etc/group", 4, files)
            if _lists(fields, entry)
        ]
    extra = [_group(root, text, files) for text in group_add if text != "keep-groups"]
    home = entry[5] if entry and entry[5] else "/"
    return User(uid, gid, tuple(dict.fromkeys([gid, *members, *extra])), home)


def _lists(fields: list[str], entry: list[str]) -> bool:
    return entry[0] in fields[3].split(",")


def _passwd_entry(root: str, name: str, files: Mapping[str, str]) -> list[str] | None:
    """The entry by name, else (as libcontainer does) by number."""
    by_number = None
    for fields in _lines(root, "/etc/passwd", 6, files):
        if fields[0] == name:
            return fields
        if by_number is None and fields[2] == name:
            by_number = fields
    return by_number


def _group(root: str, name: str, files: Mapping[str, str]) -> int:
    by_number = None
    for fields in _lines(root, "/etc/group", 3, files):
        if fields[0] == name:
            return _number(fields[2])
        if fields[2] == name:
            by_number = _number(fields[2])
    return _id(name, name, "group", "group") if by_number is None else by_number


def _lines(root: str, path: str, least: int, files: Mapping[str, str]) -> Iterator[list[str]]:
    """The fields of each usable line; group lines without members get an empty field."""
    if path in files:
        root, path = os.path.split(os.path.realpath(files[path]))
    for line in read_text(root, path).splitlines():
        fields = line.split(":")
        if least == 4 and len(fields) == 3:
            fields.append("")
        usable = len(fields) >= least and fields[2].isdecimal()
        if usable and (least != 6 or fields[3].isdecimal()):
            yield fields


def _number(text: str) -> int:
    return min(int(text), _MAX_ID)


def _id(text: str, given: str, kind: str, file: str) -> int:
    if not text.isdecimal():
        raise NotInImage(
            f"unable to find {kind} {text}: no matching entries in {file} file",
            remedy=f"give a number, or a name that the image's /etc/{file} has",
        )
    if int(text) > _MAX_ID:
        raise InvalidArgument(f"{kind} {given}: ids end at {_MAX_ID}")
    return int(text)
