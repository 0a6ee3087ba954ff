"""Mounts that a container may write to without changing their source (`-v SOURCE:DEST:O`).

An overlay over the source, below the bundle; what was written goes when the container ends,
unless the user says where it is kept (`upperdir=`, `workdir=`). podman-run(1) --volume.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from ..linux import syscalls
from .paths import Paths
from .trees import remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .request import Mount

_KEPT = ("upperdir", "workdir")
_PRIVATE = 0o700


def wanted(mount: Mount) -> bool:
    """Whether a mount asks for one."""
    return "O" in mount.options


def over(engine: Engine, row: Container, mount: Mount, number: int) -> Mount:
    """The mount with an overlay as its source. number: of the mount in its container.

    Raises InvalidArgument where the kernel makes none over this source.
    """
    said = dict(option.partition("=")[::2] for option in mount.options)
    if bool(said.get("upperdir")) != bool(said.get("workdir")):
        raise InvalidArgument(f"{mount.destination}: upperdir and workdir must be given together")
    place = f"{Paths(engine, row.id).overlays}/{number}"
    merged = f"{place}/merged"
    upper, work = said.get("upperdir") or f"{place}/upper", said.get("workdir") or f"{place}/work"
    os.makedirs(merged, mode=_PRIVATE, exist_ok=True)
    for path in () if said.get("upperdir") else (upper, work):
        os.makedirs(path, exist_ok=True)
    lower = os.path.realpath(mount.source)
    _like(lower, upper)
    for path in (lower, upper, work):
        if "," in path or ":" in path:
            raise InvalidArgument(f"{path}: an overlay cannot be over a path with ',' or ':'")
    try:
        data = f"lowerdir={lower},upperdir={upper},workdir={work}"
        syscalls.mount("overlay", merged, "overlay", data=data)
    except OSError as error:
        raise InvalidArgument(f"{mount.source}:O: overlay: {error.strerror}") from None
    kept = tuple(o for o in mount.options if o != "O" and o.partition("=")[0] not in _KEPT)
    return mount.replace(source=merged, options=kept)


def _like(source: str, upper: str) -> None:
    """The root of an overlay has the owner and mode of its upper directory."""
    try:
        status = os.stat(source)
        os.chown(upper, status.st_uid, status.st_gid)
        os.chmod(upper, status.st_mode & 0o7777)
    except OSError as error:
        raise InvalidArgument(f"overlay: {error.filename}: {error.strerror}") from None


def unmount(engine: Engine, row: Container) -> None:
    """Undo all overlays of a container, with what was written; nothing where there are none."""
    directory = Paths(engine, row.id).overlays
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        try:
            syscalls.unmount(f"{directory}/{name}/merged", syscalls.MNT_DETACH)
        except OSError as error:
            if os.path.ismount(f"{directory}/{name}/merged"):
                raise error
    remove_tree(directory)
