"""The stdin of a process: from clients to its fifo."""

from __future__ import annotations

import os

from .loop import WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop import Loop

_CHUNK = 32768
_HELD = 1 << 20
"""Bytes kept for a process that does not read, before clients have to wait."""
_SOON = 0.005


class Input:
    """The process's stdin, a fifo that the shim reads.

    It is opened for the first byte: the shim has it open by then, or is asked again soon.
    Nothing may come before its reader: a fifo that all have closed forgets what it held.
    """

    def __init__(
        self, loop: Loop, path: str, closed: Callable[[], None], *, stays: bool = False
    ) -> None:
        self.loop = loop
        self._stays = stays
        self.path = path
        self._closed = closed
        self.room: Callable[[], None] = lambda: None
        """Called when it is no longer full."""
        self._pending = b""
        self._file = -1
        self._ending = self._ended = False

    def feed(self, data: bytes) -> None:
        """Pass on what a client has sent."""
        if not self._ended and not self._ending:
            self._pending += data
            self._flush()

    def end(self) -> None:
        """A client will send no more: the process reads the end after what is pending.

        Not where stdin stays open for the next client.
        """
        if not self._ending and not self._stays:
            self._ending = True
            self._flush()

    @property
    def full(self) -> bool:
        """Whether clients have to wait."""
        return len(self._pending) > _HELD

    def _flush(self, _: int = 0) -> None:
        if self._ended or not self._open():
            return
        try:
            while self._pending:
                written = os.write(self._file, self._pending[:_CHUNK])
                self._pending = self._pending[written:]
        except BlockingIOError:
            self.loop.watch(self._file, WRITE, self._flush)
            if not self.full:
                self.room()
            return
        except OSError:  # nobody reads any more
            self._pending, self._ending = b"", True
        self.loop.forget(self._file)
        if self._ending:
            self.close()
            self._closed()
        self.room()

    def _open(self) -> bool:
        if self._file >= 0:
            return True
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # ENXIO: the shim has not opened its side yet
            self.loop.after(_SOON, self._flush)
            return False
        return True

    def close(self) -> None:
        """Give it up."""
        if self._file >= 0:
            self.loop.forget(self._file)
            os.close(self._file)
        self._file, self._ended, self._pending = -1, True, b""
