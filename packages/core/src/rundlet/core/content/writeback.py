"""Keeping the disk at work while a large blob or archive is written.

The kernel would leave all of it in memory (for 30 seconds, by default) until something has to
be durable; whoever asks for that then waits for the whole. Writing it out meanwhile takes most
of that wait away, and changes nothing of what is durable when: a blob is still synchronized by
who wrote it, a layer by its driver.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from ..linux import syscalls

_BATCH = 32 << 20
"""Bytes of blobs between two rounds. Smaller ones make a journal commit more often than it is
worth; images below it need none."""


class WriteBack:
    """Has what was written below a directory go to the disk, one round at a time."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._lock = allocate_lock()
        self._waiting = 0  # bytes written since a round began
        self._under_way = False

    def wrote(self, count: int) -> None:
        """Some bytes were written. Starts a round when it is time; never waits."""
        with self._lock:
            self._waiting += count
            if self._under_way or self._waiting < _BATCH:
                return
            self._waiting = 0
            self._under_way = True
        from threading import Thread  # 0.5 ms, and most commands write no blob

        Thread(target=self._round, name="write-back", daemon=True).start()

    def _round(self) -> None:
        try:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                syscalls.syncfs(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            pass  # whoever needs it to be durable asks again, and is told
        finally:
            self._under_way = False
