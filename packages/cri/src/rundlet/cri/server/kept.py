"""Answers that hold until something changes: kubelet asks for the same lists every second.

What they tell is in the state file, and whether processes live. SQLite says at once whether
anybody, a command line too, has written to the file (PRAGMA data_version); and the kernel tells
of a process that ends (pidfd_open(2)). Whatever changed, all answers are made anew.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from rundlet.core.containers.state import LIVE, has_process
from rundlet.core.state.changes import Changes
from rundlet.core.state.containers import ContainerRow

from .work import Workers

M = TypeVar("M", bound=Message)

MOST = 1000
"""Answers that are kept; beyond it all are forgotten."""


class Kept:
    """For all threads; what is not kept is made by the workers, for who awaits it."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._changes: Changes | None = None
        self._answers: dict[Hashable, bytes] = {}
        self._at: tuple[object, ...] = ()
        self._ended = 0
        self._watched: dict[tuple[int, int], int] = {}

    def answer(
        self, key: Hashable, make: Callable[..., M], *arguments: object
    ) -> bytes | Awaitable[bytes]:
        """The serialized message that `make(engine, *arguments)` gives, kept under `key`."""

        def work(*words: Any) -> tuple[M, tuple[ContainerRow, ...]]:
            return make(*words), ()

        return self.answer_of_live(key, work, *arguments)

    def answer_of_live(
        self,
        key: Hashable,
        make: Callable[..., tuple[M, Iterable[ContainerRow]]],
        *arguments: object,
    ) -> bytes | Awaitable[bytes]:
        """As `answer`; `make` gives also the containers whose states, as derived, are told."""
        with self._lock:
            at = self._version()
            if at != self._at or len(self._answers) > MOST:
                self._answers.clear()
                self._at = at
            found = self._answers.get(key)
        return self._made(key, at, make, arguments) if found is None else found

    async def _made(
        self,
        key: Hashable,
        at: tuple[object, ...],
        make: Callable[..., tuple[M, Iterable[ContainerRow]]],
        arguments: tuple[object, ...],
    ) -> bytes:
        message, rows = await self._workers.run(make, *arguments)
        found: bytes = message.SerializeToString()
        watched = self._watch(rows)
        with self._lock:
            if watched and self._version() == at == self._at:
                self._answers[key] = found
        return found

    def _version(self) -> tuple[object, ...]:
        if self._changes is None:
            self._changes = self._workers.engine().database.changes()
        return self._changes.number(), self._ended, self._workers.setup

    def _watch(self, rows: Iterable[ContainerRow]) -> bool:
        """Whether the state of all rows is one that changes with the file or by a process' end."""
        return all(self._is_watched(row) for row in rows if row.status in LIVE)

    def _is_watched(self, row: ContainerRow) -> bool:
        process = (row.pid, row.pid_start)
        if process in self._watched:
            return True
        if row.status == "initialized":
            return False  # its runtime knows more
        try:
            descriptor = os.pidfd_open(row.pid)
        except OSError:
            return False
        if not has_process(row):
            os.close(descriptor)
            return False
        self._watched[process] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._end, process)
        return True

    def _end(self, process: tuple[int, int]) -> None:
        descriptor = self._watched.pop(process)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self._ended += 1

    def close(self) -> None:
        """Forget all."""
        for process in list(self._watched):
            self._end(process)
        if self._changes is not None:
            self._changes.close()
