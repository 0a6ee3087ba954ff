"""The root of a container that has a directory of the user's, and no image (`--rootfs`).

It is that directory itself, or is seen through a mount of the container's own: an overlay, whose
upper directory goes with the container (`DIR:O`), or with other owners (`DIR:idmap`).
podman-run(1) --rootfs.
"""

from __future__ import annotations

import os

from ..contracts.storage import IdMap
from ..errors import InvalidArgument
from ..linux import syscalls
from ..linux.mounts import is_mounted
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

_PASSABLE = 0o711
"""The root of a user namespace, who is nobody here, must be able to get there."""


def check(request: ContainerRequest) -> None:
    """Raises InvalidArgument for a directory that is not there, and for a bad mapping."""
    if not os.path.isdir(request.rootfs):
        raise InvalidArgument(f"--rootfs {request.rootfs}: no such directory")
    _maps(request)


def mount(engine: Engine, row: Container, request: ContainerRequest, label: str) -> str:
    """The absolute path of the root; nothing happens where it is mounted.

    label: the SELinux context of an overlay's files, "" for none. Raises InvalidArgument where
    the kernel makes no overlay over the directory, NotSupported where no other owners.
    """
    directory = os.path.realpath(request.rootfs)
    uids, gids = _maps(request)
    if not (request.rootfs_overlay or uids):
        return directory
    place = Paths(engine, row.id).root
    merged = f"{place}/merged"
    if is_mounted(merged):
        return merged
    os.makedirs(merged, exist_ok=True)
    for path in (os.path.dirname(place), place):
        os.chmod(path, _PASSABLE)
    if request.rootfs_overlay:
        _overlay(request, directory, place, label)
        return merged
    from ..storage.idmap import mount_shifted, not_supported

    try:
        mount_shifted(directory, merged, uids, gids, recursive=True)
    except OSError:
        raise not_supported(directory) from None
    return merged


def _overlay(request: ContainerRequest, directory: str, place: str, label: str) -> None:
    upper, work = f"{place}/upper", f"{place}/work"
    if not os.path.isdir(upper):
        os.makedirs(work, exist_ok=True)
        _make_upper(request, directory, upper)
    if "," in directory or ":" in directory:
        raise InvalidArgument(f"{directory}: an overlay cannot be over a path with ',' or ':'")
    data = f"lowerdir={directory},upperdir={upper},workdir={work}"
    data += f',context="{label}"' if label else ""
    try:
        syscalls.mount("overlay", f"{place}/merged", "overlay", syscalls.MS_NODEV, data)
    except OSError as error:
        raise InvalidArgument(f"--rootfs {directory}:O: overlay: {error.strerror}") from None


def _make_upper(request: ContainerRequest, directory: str, upper: str) -> None:
    """What the root's owner and mode are: the directory's, or the root user's of a namespace."""
    temporary = f"{upper}.new"
    os.makedirs(temporary, exist_ok=True)
    status = os.stat(directory)
    uids, gids = request.uid_map or request.gid_map, request.gid_map or request.uid_map
    user, group = (next((one.host for one in rows if not one.container), None)
                   for rows in (uids, gids))  # fmt: skip
    os.chown(temporary, status.st_uid if user is None else user,
             status.st_gid if group is None else group)  # fmt: skip
    os.chmod(temporary, status.st_mode & 0o7777)
    os.rename(temporary, upper)


def unmount(engine: Engine, row: Container) -> None:
    """Undo `mount`, but for what was written; nothing happens when it is not mounted."""
    merged = f"{Paths(engine, row.id).root}/merged"
    if is_mounted(merged):
        syscalls.unmount(merged, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)


def _maps(request: ContainerRequest) -> tuple[Sequence[IdMap], Sequence[IdMap]]:
    """With which owners the directory is shown, () for its own: where nothing is mapped.

    "idmap" is the container's mapping; "idmap=uids=0-1-10#10-11-10;gids=0-100-10" is another:
    ids of the file system, of the host, and how many; the second of the container behind "@".
    """
    uids, gids = request.uid_map or request.gid_map, request.gid_map or request.uid_map
    for part in filter(None, request.rootfs_idmap.removeprefix("idmap").lstrip("=").split(";")):
        kind, _, text = part.partition("=")
        if kind == "uids":
            uids = _ranges(text, uids)
        elif kind == "gids":
            gids = _ranges(text, gids)
        else:
            raise InvalidArgument(f"--rootfs {request.rootfs}:idmap: unknown option {part!r}")
    if not request.rootfs_idmap:
        return (), ()
    return uids or gids, gids or uids


def _ranges(text: str, own: Sequence[IdMap]) -> tuple[IdMap, ...]:
    found = []
    for word in text.split("#"):
        numbers = word.removeprefix("@").split("-")
        if len(numbers) != 3 or not all(one.isdecimal() for one in numbers) or numbers[2] == "0":
            raise InvalidArgument(f"invalid id map {word!r}: must be FROM-TO-SIZE")
        one = IdMap(*map(int, numbers))
        if word.startswith("@"):
            one = one.replace(host=_outside(word, one.host, own))
        found.append(one)
    return tuple(found)


def _outside(word: str, inside: int, own: Sequence[IdMap]) -> int:
    for one in own:
        if one.container <= inside < one.container + one.size:
            return one.host + inside - one.container
    raise InvalidArgument(
        f"could not find a user namespace mapping for the relative mapping {word!r}"
    )
