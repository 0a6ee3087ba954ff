"""The working directory of a container: what `--workdir` names has to be there (podman).

The image's own is made where it is missing, and belongs to the container's user. Runtimes
would make either, as root.
"""

from __future__ import annotations

import os
import stat

from ..archive.ids import IdMaps
from ..errors import NotInImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .request import ContainerRequest

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def ensure(root: str, spec: dict[str, Any], request: ContainerRequest, container: str) -> None:
    """Check or make `process.cwd` of a mounted root.

    One that lies on a mount, or behind a symbolic link, is left to the runtime: it is known
    only inside. So is one that is asked for above a mount, which makes it. Raises NotInImage.
    """
    path = os.path.normpath(spec["process"]["cwd"])
    places = [mount["destination"] for mount in spec["mounts"]]
    if path == "/" or any(_at_or_below(path, place) for place in places):
        return
    here = os.open(root, _WALK & ~os.O_NOFOLLOW)
    try:
        names = path.split("/")[1:]
        while names:
            try:
                kind = os.stat(names[0], dir_fd=here, follow_symlinks=False).st_mode
            except FileNotFoundError:
                break
            if stat.S_ISLNK(kind):
                return
            if not stat.S_ISDIR(kind):
                raise NotInImage(
                    f'workdir "{path}" exists on container {container}, but is not a directory'
                )
            here = _into(names.pop(0), here)
        above = any(_at_or_below(place, path) for place in places)
        if names and request.workdir and not request.make_workdir and not above:
            raise NotInImage(f'workdir "{path}" does not exist on container {container}')
        if names and not request.workdir:
            maps = IdMaps(request.uid_map or request.gid_map, request.gid_map or request.uid_map)
            here = _make(names, here, spec["process"]["user"], maps)
    finally:
        os.close(here)


def _at_or_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _into(name: str, above: int) -> int:
    """A descriptor of the directory in place of the one above it."""
    opened = os.open(name, _WALK, dir_fd=above)
    os.close(above)
    return opened


def _make(names: list[str], here: int, user: dict[str, int], maps: IdMaps) -> int:
    """The missing directories, of the container's root; the last one belongs to the user."""
    for number, name in enumerate(names, 1):
        os.mkdir(name, 0o755, dir_fd=here)
        here = _into(name, here)
        uid, gid = (user["uid"], user["gid"]) if number == len(names) else (0, 0)
        os.chown(f"/proc/self/fd/{here}", *maps.to_host(uid, gid))
    return here
