"""Births and deaths of directories in a driver's home, so that a kill leaves nothing half.

A layer is made in `home/staging/` and renamed into place when it is whole; a doomed one is
renamed back there before it is deleted. Whoever works on a staging directory holds a
flock on it, which the kernel drops with the process: what nobody holds is garbage.
"""

from __future__ import annotations

import errno
import fcntl
import os

from ..archive.remove import remove_tree
from ..errors import NoSpace, StoreError
from ..linux import syscalls
from ..linux.mounts import detach_below
from .deleting import delete_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

NAME = "staging"
_TRIAL = ".probe-"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IMMUTABLE = 0x30  # linux/fs.h: FS_IMMUTABLE_FL | FS_APPEND_FL
_GETFLAGS = 0x80086601  # FS_IOC_GETFLAGS on 64-bit machines
_SETFLAGS = 0x40086602


class Scratch:
    """`with Scratch(home) as path`: a directory that is gone after the block.

    Raises NoSpace, StoreError for what the file system refuses.
    """

    def __init__(self, home: str) -> None:
        self._home = home
        self._path = ""
        self._descriptor = -1

    def __enter__(self) -> str:
        try:
            self._path, self._descriptor = self._new()
        except OSError as error:
            raise explained(error, self._home) from error
        return self._path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._finish()
        except OSError as failure:
            raise explained(failure, self._home) from failure
        finally:
            if os.path.exists(self._path):
                delete(self._path)
            os.close(self._descriptor)
        if isinstance(error, OSError):
            raise explained(error, self._home) from error

    def _finish(self) -> None:
        """What is done with the directory when the block ended well."""

    def _new(self) -> tuple[str, int]:
        """A new directory and a descriptor that holds its lock."""
        while True:
            path = self._made()
            try:
                descriptor = os.open(path, _DIRECTORY)
            except FileNotFoundError:  # taken for garbage before it was locked
                continue
            if _lock(descriptor) and os.path.exists(path):
                return path, descriptor
            os.close(descriptor)

    def _made(self) -> str:
        path = os.path.join(self._home, NAME, os.urandom(8).hex())
        try:
            os.mkdir(path, 0o700)
        except FileNotFoundError:
            # Private: set-id programs of images are not for the users of this machine.
            os.makedirs(self._home, mode=0o700, exist_ok=True)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.mkdir(path, 0o700)
        return path


class Birth(Scratch):
    """`with Birth(home, layer) as path`: a new directory that is `home/layer` after the block.

    When the block raises it vanishes. durable: have everything on disk before it shows (one
    syncfs is far cheaper than an fsync per file). replace: exchange it with the one there.
    """

    def __init__(
        self, home: str, layer: str, *, durable: bool = False, replace: bool = False
    ) -> None:
        super().__init__(home)
        self._target = os.path.join(home, layer)
        self._durable = durable
        self._replace = replace

    def _finish(self) -> None:
        if self._durable:
            syscalls.syncfs(self._descriptor)
        if self._replace:
            syscalls.exchange(self._path, self._target)
        else:
            os.rename(self._path, self._target)


class Trial(Scratch):
    """`with Trial(directory) as path`: a scratch directory of a probe, right in any directory."""

    def _made(self) -> str:
        path = os.path.join(self._home, f"{_TRIAL}{os.urandom(8).hex()}")
        os.mkdir(path, 0o700)
        return path


def bury(home: str, layer: str) -> None:
    """Remove `home/layer`: gone at once for everyone, then deleted. Nothing there is no error."""
    path = os.path.join(home, layer)
    try:
        descriptor = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _lock(descriptor)
        delete(set_aside(home, layer))
    except OSError as error:
        raise explained(error, home) from error
    finally:
        os.close(descriptor)


def set_aside(home: str, layer: str) -> str:
    """Take `home/layer` away for everyone, which `collect` deletes; where it is now.

    Nothing there is no error. Raises NoSpace, StoreError.
    """
    path = os.path.join(home, layer)
    doomed = os.path.join(home, NAME, os.urandom(8).hex())
    try:
        try:
            os.rename(path, doomed)
        except FileNotFoundError:
            if not os.path.lexists(path):
                return doomed
            os.makedirs(os.path.dirname(doomed), mode=0o700, exist_ok=True)
            os.rename(path, doomed)
    except OSError as error:
        raise explained(error, home) from error
    return doomed


def collect(home: str) -> None:
    """Delete the staging directories that nobody works on."""
    delete_each(_below(os.path.join(home, NAME)), _delete_unlocked)


def _delete_unlocked(path: str) -> None:
    for unlocked in _unlocked([path]):
        delete(unlocked)


def abandoned(directory: str) -> Iterator[str]:
    """The directories of trials there whose process was killed. Delete each when it is told."""
    return _unlocked(_below(directory, _TRIAL))


def _below(directory: str, prefix: str = "") -> list[str]:
    """Paths in a directory whose names begin so."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return [os.path.join(directory, name) for name in names if name.startswith(prefix)]


def _unlocked(paths: list[str]) -> Iterator[str]:
    """Those that nobody works on; each is locked until the next one."""
    for path in paths:
        try:
            descriptor = os.open(path, _DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            if _lock(descriptor):
                yield path
        finally:
            os.close(descriptor)


def delete(path: str) -> None:
    """Delete a tree whatever is in it: odd modes, immutable files, forgotten mounts.

    Nothing there is no error.
    """
    try:
        parent = os.open(os.path.dirname(path), _DIRECTORY)
    except FileNotFoundError:
        return
    name = os.fsencode(os.path.basename(path))
    try:
        try:
            remove_tree(name, parent)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno == errno.EBUSY:
                detach_below(path, itself=True)
            elif error.errno == errno.EPERM:
                _make_mutable(path)
            else:
                raise
            remove_tree(name, parent)
    finally:
        os.close(parent)


def explained(error: OSError, home: str) -> NoSpace | StoreError:
    """The typed error of what a file system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(
            f"no space left below {home}", remedy="Free some space: rundlet system prune"
        )
    where = error.filename if isinstance(error.filename, str) else home
    return StoreError(f"{where}: {error.strerror or error}")


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_mutable(path: str) -> None:
    """Clear the immutable and append-only flags below a path (chattr(1))."""
    for directory, names, files in os.walk(path):
        for name in [".", *names, *files]:
            _clear_flags(os.path.join(directory, name))


def _clear_flags(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # links, devices and sockets have no such flags
        return
    try:
        found = fcntl.ioctl(descriptor, _GETFLAGS, bytes(8))
        flags = int.from_bytes(found, "little")
        if flags & _IMMUTABLE:
            changed = (flags & ~_IMMUTABLE).to_bytes(8, "little")
            fcntl.ioctl(descriptor, _SETFLAGS, changed)
    except OSError:  # no such flags on this file system
        pass
    finally:
        os.close(descriptor)
