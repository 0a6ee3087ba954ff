"""Showing layers to a user namespace: by idmapped mounts, mount_setattr(2)."""

from __future__ import annotations

import fcntl
import os
from errno import EINVAL
from itertools import count

from ..errors import InvalidArgument, NotSupported
from ..linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from ..contracts.storage import IdMap, MountOptions


_VIEW = "view"


class Views:
    """`with Views(home, options, others) as views`: directories with the owners that the maps
    give: home, with all layers in it, and others. views: where each is seen.

    It is empty where this kernel or a file system cannot (Linux 5.12, and each file system since
    a version of its own). The mounts end with the block: what was mounted over them in between
    keeps clones of its own.

    They are fixed places in home, used by one process at a time: nothing that deletes trees ever
    comes by there, and what a killed process left mounted is found by the next one, or by
    `collect` of the driver.
    """

    def __init__(self, home: str, options: MountOptions, others: Iterable[str] = ()) -> None:
        self._home = home
        self._options = options
        self._directories = dict.fromkeys((home, *others))
        self._lock = -1

    def __enter__(self) -> dict[str, str]:
        self._lock = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            clear(self._home)
            return self._mounted()
        except BaseException:
            os.close(self._lock)
            raise

    def _mounted(self) -> dict[str, str]:
        uids, gids = self._options.uid_map, self._options.gid_map
        views = {}
        for number, directory in enumerate(self._directories):
            place = os.path.join(self._home, f"{_VIEW}-{number}" if number else _VIEW)
            os.makedirs(place, 0o700, exist_ok=True)
            try:
                mount_shifted(directory, place, uids or gids, gids or uids)
            except OSError:
                return {}
            views[directory] = place
        return views

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        clear(self._home)
        os.close(self._lock)


def not_supported(path: str) -> NotSupported:
    """The error where a file system, or this kernel, has no idmapped mounts."""
    return NotSupported(
        f"{path} cannot be shown with other owners",
        remedy="its file system, or this kernel, has no idmapped mounts",
    )


def check(options: MountOptions) -> None:
    """Raise InvalidArgument for maps that no kernel takes (user_namespaces(7))."""
    for rows in (options.uid_map, options.gid_map):
        for side in ("container", "host"):
            ranges = sorted((getattr(row, side), row.size) for row in rows)
            ends = [start + size for start, size in ranges]
            starts = [start for start, _ in ranges[1:]]
            if any(end > start for end, start in zip(ends, starts, strict=False)):
                raise InvalidArgument(f"ranges of the {side} overlap in an id map: {ranges}")
            if any(size < 1 or start < 0 for start, size in ranges):
                raise InvalidArgument(f"an id map has an empty or negative range: {ranges}")


def clear_unused(home: str) -> None:
    """Unmount what views of a killed process left."""
    lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        clear(home)
    except BlockingIOError:  # somebody is at it
        pass
    finally:
        os.close(lock)


def clear(home: str) -> None:
    """Unmount what views left."""
    for number in count():
        place = os.path.join(home, f"{_VIEW}-{number}" if number else _VIEW)
        if not os.path.isdir(place):
            return
        try:
            while True:
                syscalls.unmount(place, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)
        except OSError as error:
            if error.errno != EINVAL:  # what is no mount (any more)
                raise


def mount_shifted(
    source: str,
    target: str,
    uids: Sequence[IdMap],
    gids: Sequence[IdMap],
    *,
    recursive: bool = False,
) -> None:
    """Bind a directory or file with other owners: what belongs to 0 belongs to whom 0 maps to.

    recursive: with all that is mounted below. Raises OSError where a file system cannot be shown
    so, InvalidArgument for maps that the kernel refuses, StoreError.
    """
    from ..linux.mount_api import mount_idmapped
    from ..linux.userns import UserNamespace

    with UserNamespace(text(uids), text(gids)) as held:
        namespace = os.open(held.file("user"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            mount_idmapped(source, target, namespace, recursive=recursive)
        finally:
            os.close(namespace)


def text(rows: Sequence[IdMap]) -> str:
    """An id map as uid_map and gid_map have it (user_namespaces(7))."""
    return "".join(f"{row.container} {row.host} {row.size}\n" for row in rows)
