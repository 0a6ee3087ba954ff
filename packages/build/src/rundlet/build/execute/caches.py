"""The directories of `RUN --mount=type=cache`, and who may use them at once."""

from __future__ import annotations

import fcntl
import hashlib
import os

from rundlet.core.containers.ownership import host_id
from rundlet.core.errors import InvalidArgument
from rundlet.core.system.builds import LOCK

from . import filesystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from rundlet.core.containers.request import ContainerRequest

    from .mounts import RunMount
    from .origins import Origin

_STRICT = ("shared", "private", "locked")
"""Kinds of sharing, the strictest last."""
_MOST = 1024
"""Directories of one cache whose users want it for themselves."""


class Caches:
    """Those of a graph root. home: their directory (`rundlet.core.system.builds`).

    find: the files that a `from` means. template: whose user namespace says which ids a
    command sees.
    """

    def __init__(
        self, home: str, find: Callable[[str], Origin], template: ContainerRequest
    ) -> None:
        self._home = home
        self._find = find
        self._template = template
        self._held: dict[str, str] = {}

    def hold(self, wanted: Iterable[tuple[RunMount, str]], stack: ExitStack) -> None:
        """Take all caches of a RUN, each with its target, until the stack ends.

        One cache is taken once, as strictly as one of its mounts asks, and all builds take
        theirs in one order: nobody waits for itself, or two for each other. Raises
        InvalidArgument.
        """
        sharing: dict[str, str] = {}
        for item, target in wanted:
            name = _name(item, target)
            asked = (sharing.get(name, "shared"), item.text("sharing") or "shared")
            sharing[name] = max(asked, key=_STRICT.index)
        for name in sorted(sharing):
            self._held[name] = self._locked(name, sharing[name], stack)

    def directory(self, item: RunMount, target: str) -> str:
        """The directory of a cache that is held, made where it is not there."""
        path = self._held[_name(item, target)]
        if not os.path.isdir(path):
            self._fill(path, item)
        return path

    def _locked(self, name: str, sharing: str, stack: ExitStack) -> str:
        """locked: one at a time. private: who finds it taken gets another one."""
        os.makedirs(self._home, mode=0o700, exist_ok=True)
        for number in range(_MOST):
            path = os.path.join(self._home, f"{name}-{number}" if number else name)
            lock = os.open(f"{path}{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, lock)
            if sharing != "private":
                fcntl.flock(lock, fcntl.LOCK_EX if sharing == "locked" else fcntl.LOCK_SH)
                return path
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return path
            except BlockingIOError:
                continue
        raise InvalidArgument("--mount=type=cache,sharing=private: too many builds use it")

    def _fill(self, path: str, item: RunMount) -> None:
        """Make a directory, from what `from` has at first."""
        fresh = f"{path}.{os.urandom(4).hex()}"
        os.makedirs(fresh)
        if item.text("from"):
            origin = self._find(item.text("from"))
            source = filesystem.real_path(origin.root, item.text("source") or "/")
            filesystem.copy_tree(source, fresh)
            status = os.stat(source)
            os.chown(fresh, status.st_uid, status.st_gid)
            os.chmod(fresh, status.st_mode & 0o7777)
        if not item.text("from") or {"uid", "gid", "mode"} & item.options.keys():
            give(fresh, item, self._template, mode=0o755)
        try:
            os.rename(fresh, path)
        except OSError:  # another build was first, and has put something in
            import shutil  # slow to import, and most builds need none of it

            shutil.rmtree(fresh)


def give(path: str, item: RunMount, template: ContainerRequest, *, mode: int) -> None:
    """Make it that of the user that a mount names, as the user namespace of a container sees it.

    mode: what it gets where the mount says nothing.
    """
    uid, gid = item.number("uid", 0), item.number("gid", 0)
    os.chown(path, host_id(uid, template.uid_map), host_id(gid, template.gid_map))
    os.chmod(path, item.number("mode", mode, 8))


def _name(item: RunMount, target: str) -> str:
    """The same for the same `id` (by default the target) and `from`."""
    identity = f"{item.text('id') or target}\0{item.text('from')}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
