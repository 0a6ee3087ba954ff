"""The lock of the process that starts a container or watches it in the foreground.

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
    """A context that holds the lock. Taken under the container's own lock, kept without it."""

    def __init__(self, paths: Paths) -> None:
        self.path = paths.attended
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._descriptor = self._open()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Held for an earlier run of the container, by one that has not noticed its end:
            # that one keeps its file, this run has a new one.
            os.close(self._descriptor)
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
