"""/etc/passwd and /etc/group of a container: lines for users that its image does not know.

podman-run(1) --passwd, --passwd-entry, --group-entry, --hostuser. The image's files are not
changed: copies with the new lines are mounted over them.
"""

from __future__ import annotations

from .. import json
from ..errors import InvalidArgument
from ..spec.rootfs import read_text
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

PASSWD = "/etc/passwd"
GROUP = "/etc/group"


def write(engine: Engine, row: Container, request: ContainerRequest, root: str) -> dict[str, str]:
    """Destination to path of the files that need more lines than the image's have.

    Raises InvalidArgument for a --hostuser that the host does not have.
    """
    image = json.loads(row.extra).get("image", {})
    user = request.user or str(image.get("User") or "")
    if not request.passwd or not row.layer or not (user or request.host_users):
        return {}
    workdir = request.workdir or str(image.get("WorkingDir") or "/")
    passwd, group = read_text(root, PASSWD), read_text(root, GROUP)
    more = {
        PASSWD: (passwd, _users(request, user, workdir, passwd, group)),
        GROUP: (group, _groups(request, user, group)),
    }
    taken = {mount.destination.rstrip("/") for mount in request.mounts}
    made = {}
    for place, (text, lines) in more.items():
        if lines and place not in taken:
            made[place] = f"{Paths(engine, row.id).run}{place.removeprefix('/etc')}"
            begin = f"{text}\n" if text and not text.endswith("\n") else text
            with open(made[place], "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(begin + "".join(f"{line}\n" for line in lines))
    return made


def _users(
    request: ContainerRequest, user: str, workdir: str, passwd: str, groups: str
) -> list[str]:
    lines = []
    for name in request.host_users:
        if not _known(passwd, name):
            called, number, primary, full = _host_user(name)
            lines.append(f"{called}:*:{number}:{primary}:{full}:{workdir}:/bin/sh")
    uid, _, group = user.partition(":")
    if not uid.isdecimal() or _known(passwd, uid) or _known("\n".join(lines), uid):
        return lines
    gid = _group_id(group, groups)
    entry = request.passwd_entry or "$UID:*:$UID:$GID:$NAME:$HOME:/bin/sh"
    for name, value in (
        ("$USERNAME", uid),
        ("$UID", uid),
        ("$GID", gid),
        ("$NAME", "container user"),
        ("$HOME", workdir),
    ):
        entry = entry.replace(name, value)
    return [*lines, entry]


def _groups(request: ContainerRequest, user: str, groups: str) -> list[str]:
    lines = []
    for name in request.host_users:
        called, _, gid, _ = _host_user(name)
        if not _known(groups, str(gid)):
            lines.append(f"{called}:x:{gid}:{called}")
    uid, colon, group = user.partition(":")
    gid_text = group if colon else uid
    if not gid_text.isdecimal() or _known(groups, gid_text) or _known("\n".join(lines), gid_text):
        return lines
    entry = request.group_entry or "$GROUPNAME:x:$GID:$USERLIST"
    for name, value in (("$GROUPNAME", gid_text), ("$GID", gid_text), ("$USERLIST", uid)):
        entry = entry.replace(name, value)
    return [*lines, entry]


def _known(text: str, wanted: str) -> bool:
    """Whether a name or number has a line."""
    return any(wanted in _keys(line.split(":")) for line in text.splitlines())


def _keys(fields: Sequence[str]) -> tuple[str, ...]:
    return (fields[0], fields[2]) if len(fields) > 2 else ()


def _group_id(group: str, groups: str) -> str:
    """The number of the group of "user:group"; root's where none is given."""
    if not group or group.isdecimal():
        return group or "0"
    for line in groups.splitlines():
        fields = line.split(":")
        if fields[0] == group and len(fields) > 2:
            return fields[2]
    return "0"


def _host_user(name: str) -> tuple[str, int, int, str]:
    """Name, uid, gid and full name of a user of the host, by name or number."""
    import pwd

    try:
        found = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        raise InvalidArgument(f"--hostuser {name}: the host has no such user") from None
    return found.pw_name, found.pw_uid, found.pw_gid, found.pw_gecos
