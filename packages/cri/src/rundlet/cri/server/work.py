"""Work in threads: an engine for each thread, and work with a key done once at a time.

A client whose deadline passes gives up waiting, not the work: it goes on, and a retry with
the same key joins it and gets its result.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from rundlet.core import Engine

from ..config.setup import NodeEngine, Setup

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 32


class Workers:
    """Threads with an engine each. setup may be replaced; new work then has the new one."""

    def __init__(self, setup: Setup, threads: int = THREADS) -> None:
        self.setup = setup
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="cri")
        self._mine = threading.local()
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}
        self._engines: list[Engine] = []

    def engine(self) -> Engine:
        """The engine of the calling thread."""
        engine: NodeEngine | None = getattr(self._mine, "engine", None)
        setup = self.setup
        if engine is None or engine.setup is not setup:
            if engine is not None:
                engine.close()
                self._engines.remove(engine)
            engine = self._mine.engine = NodeEngine(setup)
            self._engines.append(engine)
        return engine

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """`function(engine, *arguments)` in a thread. Once begun it is finished."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._call, function, arguments)

    def _call(self, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
        return function(self.engine(), *arguments)

    async def once(self, key: Hashable, function: Callable[..., T], *arguments: object) -> T:
        """As `run`; while work with this key is under way, its result is waited for instead."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self.run(function, *arguments))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        result: T = await asyncio.shield(task)
        return result

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # asked for, so that one that nobody waits for is not complained of

    async def finish(self, timeout: float) -> None:
        """Wait for what is under way, at most `timeout` seconds."""
        pending = list(self._under_way.values())
        if pending:
            await asyncio.wait(pending, timeout=timeout)

    def close(self) -> None:
        """End the threads (after their work) and close their engines."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for engine in self._engines:
            engine.close()
