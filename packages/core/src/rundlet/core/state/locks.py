"""Locks: a flock on a file per object. A crash releases them; there is no number to run out of.

A lock orders *changes* to one object (a container, a layer, a name). Readers never
take one. A waiter has a deadline and names the holder when it passes.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager

from ..errors import Busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_WAIT = 0.001
_LONGEST_WAIT = 0.05


class Locks:
    """The lock files below `directory` (in the run root: they mean nothing after a reboot)."""

    def __init__(self, directory: str, timeout: float = 60.0) -> None:
        self.directory = directory
        self.timeout = timeout

    @contextmanager
    def hold(self, kind: str, name: str, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock of an object. Raises Busy, naming the holder, after `timeout` seconds.

        Not reentrant: a second `hold` of the same object in one process waits too.
        """
        path = os.path.join(self.directory, f"{kind}-{name.replace('/', '_')}")
        descriptor = self._acquire(path, kind, name, self.timeout if timeout is None else timeout)
        try:
            yield
        finally:
            # Unlinked while held: whoever waits on this inode notices and opens the new file.
            os.unlink(path)
            os.close(descriptor)

    def _acquire(self, path: str, kind: str, name: str, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        wait = _FIRST_WAIT
        while True:
            descriptor = self._open(path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
                os.close(descriptor)
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"{kind} {name} is held by {holder or 'another process'}"
                        f" since more than {timeout:g} s"
                    ) from None
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            if _is_current(descriptor, path):
                os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
                return descriptor
            os.close(descriptor)

    def _open(self, path: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            return os.open(path, flags, 0o600)


def _is_current(descriptor: int, path: str) -> bool:
    """Whether the locked inode is still the one at `path` (its last holder unlinks it)."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
