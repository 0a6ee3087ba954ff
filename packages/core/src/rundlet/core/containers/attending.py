"""The lock of the process that starts a container, watches it in the foreground or ends it.

While it is held, the exit command waits (exit_command.py): the holder cleans up.
It is a flock, so a killed holder releases it.
"""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from .paths import Paths


class Attending:
    """A context that holds the lock.

    starting: for a new run, under the container's own lock. Else for one that is there:
    where another process holds the lock already, that one attends to the end, and we do not.
    """

    def __init__(self, paths: Paths, *, starting: bool) -> None:
        self.path = paths.attended
        self.starting = starting
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = self._open()
        except FileNotFoundError:
            if self.starting:
                raise
            return self  # nothing of a run is left
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.__exit__()
            if self.starting:
                # Held for an earlier run, by one that has not noticed its end: that one
                # keeps its file, this run has a new one.
                os.unlink(self.path)
                self._descriptor = self._open()
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def _open(self) -> int:
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
