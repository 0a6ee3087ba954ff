"""What directory-tree drivers share: measuring trees, and giving them to other owners."""

from __future__ import annotations

import os
import stat

from ..contracts.storage import LayerUsage
from ..errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..archive.ids import IdMaps


def usage(root: str) -> LayerUsage:
    """Content bytes and inodes below a directory; hard links count once."""
    size = inodes = 0
    seen: set[tuple[int, int]] = set()
    for _, info in walk(root):
        if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
        inodes += 1
        if stat.S_ISREG(info.st_mode):
            size += info.st_size
    return LayerUsage(size, inodes)


def walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every path below root with its lstat, a directory before what is in it."""
    stack = [root]
    while stack:
        with os.scandir(stack.pop()) as found:
            for item in found:
                info = item.stat(follow_symlinks=False)
                yield item.path, info
                if stat.S_ISDIR(info.st_mode):
                    stack.append(item.path)


def layers(home: str, name: str) -> Iterator[str]:
    """The layers of a home: those with a directory `home/LAYER/name`."""
    try:
        found = sorted(os.listdir(home))
    except FileNotFoundError:
        return
    yield from (layer for layer in found if os.path.isdir(f"{home}/{layer}/{name}"))


def require_all(home: str, name: str, layers: Iterable[str]) -> None:
    """Raise Corrupt for the first layer without its directory `home/LAYER/name`."""
    for layer in layers:
        path = f"{home}/{layer}/{name}"
        if not os.path.isdir(path):
            if os.path.islink(path):
                raise Corrupt(
                    f"layer {layer} is missing: it was {os.readlink(path)}",
                    remedy="Bring the additional image store back, or pull the image again.",
                )
            raise Corrupt(
                f"layer {layer} is missing from the store",
                remedy="Remove the images that use it (rmi) and pull them again.",
            )


def shift(root: str, before: IdMaps | None, after: IdMaps) -> None:
    """Give a tree to the owners that `after` maps it to (`before`: what it was mapped to).

    Set-id bits and file capabilities, which chown(2) clears, are kept.
    """
    _shift(root, os.lstat(root), before, after)
    for path, info in list(walk(root)):
        _shift(path, info, before, after)


def _shift(path: str, info: os.stat_result, before: IdMaps | None, after: IdMaps) -> None:
    uid, gid = info.st_uid, info.st_gid
    if os.lstat(path).st_uid != uid or os.lstat(path).st_gid != gid:
        return  # another name of a hard link was here
    if before is not None:
        uid, gid = before.to_container(uid, gid)
    uid, gid = after.to_host(uid, gid)
    capability = None
    if stat.S_ISREG(info.st_mode):
        try:
            capability = os.getxattr(path, "security.capability", follow_symlinks=False)
        except OSError:
            pass
    os.chown(path, uid, gid, follow_symlinks=False)
    if not stat.S_ISLNK(info.st_mode):
        os.chmod(path, stat.S_IMODE(info.st_mode))
    if capability is not None:
        os.setxattr(path, "security.capability", capability, follow_symlinks=False)
