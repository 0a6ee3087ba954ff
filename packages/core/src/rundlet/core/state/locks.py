"""Locks: a flock on a file per object. A crash releases them; there is no number to run out of.

A lock orders *changes* to one object (a container, a layer, a name). Readers never
take one. A waiter has a deadline and names the holder when it passes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from ..errors import Busy, NoSpace, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

SHORT = 0.2
"""Seconds for one who has what the holder may wait for."""
_FIRST_WAIT = 0.001  # seconds
_LONGEST_WAIT = 0.05
_LONGEST_NAME = 200  # of the 255 bytes that file systems allow


class Locks:
    """The lock files below `directory` (in the run root: they mean nothing after a reboot)."""

    def __init__(self, directory: str, timeout: float = 60.0) -> None:
        self.directory = directory
        self.timeout = timeout

    def hold(self, kind: str, name: str, timeout: float | None = None) -> Held:
        """A context manager that holds the lock of an object.

        Entering it raises Busy, naming the holder, after `timeout` seconds (0: at once).
        Not reentrant: a second `hold` of the same object in one process waits too.
        """
        return Held(self, kind, name, self.timeout if timeout is None else timeout)

    def sweep(self) -> None:
        """Delete the files of killed holders. They bar nobody, but would stay until a reboot."""
        try:
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return
        for name in names:
            kind, _, rest = name.partition("-")
            try:
                with self.hold(kind, rest, 0):
                    pass
            except Busy:
                continue

    def path(self, kind: str, name: str) -> str:
        """The lock file of an object. Names that a file cannot have share locks at worst."""
        return os.path.join(self.directory, f"{kind}-{name.replace('/', '_')}"[:_LONGEST_NAME])


class Held:
    """One lock, held while inside `with`."""

    def __init__(self, locks: Locks, kind: str, name: str, timeout: float) -> None:
        self._path = locks.path(kind, name)
        self._what = f"{kind} {name}"
        self._timeout = timeout
        self._descriptor = -1

    def __enter__(self) -> None:
        deadline = time.monotonic() + self._timeout
        wait = _FIRST_WAIT
        while (holder := self._try()) is not None:
            if time.monotonic() >= deadline:
                since = f" since more than {self._timeout:g} s" if self._timeout else ""
                raise Busy(f"{self._what} is held by {holder}{since}")
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Unlinked while held: whoever waits on this inode notices and opens the new file.
        try:
            os.unlink(self._path)
        except FileNotFoundError:  # someone cleared the run root
            pass
        os.close(self._descriptor)

    def _try(self) -> str | None:
        """Take the lock; else say who has it."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not is_current(descriptor, self._path):
                os.close(descriptor)
                return self._try()
            os.ftruncate(descriptor, 0)  # a holder that was killed left its name
            _sign(descriptor)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0)
            os.close(descriptor)
            return _named(holder)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return None

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            try:
                return os.open(self._path, flags, 0o600)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
                return os.open(self._path, flags, 0o600)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(
                    f"cannot lock {self._what}: {self._path}: {error.strerror}",
                    remedy="Free some space on its disk (df; inodes: df -i).",
                ) from error
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise  # not the directory's fault
            raise StoreError(
                f"cannot lock {self._what}: {self._path}: {error.strerror}",
                remedy="Its directory must be writable: see --runroot and --imagestore.",
            ) from error


def _sign(descriptor: int) -> None:
    """Leave our name for those who wait. On a full disk it is locked all the same: to free some."""
    try:
        os.pwrite(descriptor, b"%d" % os.getpid(), 0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def is_current(descriptor: int, path: str) -> bool:
    """Whether the locked inode is still the one at `path` (its last holder unlinks it)."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _named(holder: bytes) -> str:
    """A holder for people: its process id and command line."""
    pid = holder.decode("ascii", "replace").strip()
    if not pid.isdecimal():
        return "another process"
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read(200).replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        command = ""
    return f"process {pid} ({command})" if command else f"process {pid}"
