"""/etc/mtab of a container: where its image has none, it is made, as podman does.

Programs that ask for what is mounted read it, and the kernel's own list is behind the link.
"""

from __future__ import annotations

import os

from ..archive.ids import IdMaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import ContainerRequest

_TARGET = "/proc/mounts"


def ensure(root: str, request: ContainerRequest) -> None:
    """Make the link in a mounted root that has an /etc, for the container's root user."""
    try:
        etc = os.open(f"{root}/etc", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.symlink(_TARGET, "mtab", dir_fd=etc)
        maps = IdMaps(request.uid_map or request.gid_map, request.gid_map or request.uid_map)
        os.chown("mtab", *maps.to_host(0, 0), dir_fd=etc, follow_symlinks=False)
    except OSError:  # it is there, or nothing can be written to the root
        return
    finally:
        os.close(etc)
