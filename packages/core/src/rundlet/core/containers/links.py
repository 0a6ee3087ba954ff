"""`--mount ...,no-dereference`: a source that is a symbolic link is copied, not followed.

podman hands this to its runtime, of which only newer crun know it; others follow the link.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Mount

_WORD = "no-dereference"


def wanted(mount: Mount) -> bool:
    """Whether the mount's source is a link that is to be copied."""
    return mount.kind == "bind" and _WORD in mount.options and os.path.islink(mount.source)


def plain(mount: Mount) -> Mount:
    """A bind mount without the word, which no runtime needs to know."""
    if mount.kind != "bind" or _WORD not in mount.options:
        return mount
    return mount.replace(options=tuple(word for word in mount.options if word != _WORD))


def copy(mount: Mount, root: str) -> None:
    """Make the link in a mounted root. Raises InvalidArgument where something else is."""
    from ..archive.beneath import Beneath, components

    target = os.readlink(os.fsencode(mount.source))
    *above, name = components(os.fsencode(mount.destination.strip("/")))
    opened = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    beneath = Beneath(opened, lambda made: os.chmod(f"/proc/self/fd/{made}", 0o755))
    try:
        directory = beneath.directory(above)
        try:
            os.symlink(target, name, dir_fd=directory)
        except FileExistsError:
            if _link(name, directory) != target:
                raise InvalidArgument(
                    f"{mount.destination}: cannot copy the link {mount.source}: it exists"
                ) from None
    finally:
        beneath.close()
        os.close(opened)


def _link(name: bytes, directory: int) -> bytes:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return b""
