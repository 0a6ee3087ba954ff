"""Exec and attach sessions: a thread with an engine of its own copies, the loop serves clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from rundlet.core import Engine
from rundlet.core.containers.exec import ExecRequest, begin
from rundlet.core.containers.paths import Paths
from rundlet.core.containers.state import GOING
from rundlet.core.containers.stored import request_of
from rundlet.core.contracts.monitor import Streams
from rundlet.core.errors import InvalidArgument, WrongState

from ..config.setup import NodeEngine
from ..containers import record
from ..server.work import Workers
from .ends import Ends, Pipes

T = TypeVar("T")


class _Resizable(Protocol):
    def resize(self, rows: int, columns: int) -> None: ...


Begun = Callable[[_Resizable], None]


async def execute(
    workers: Workers, container: str, command: Sequence[str], *, terminal: bool, ends: Ends,
    stdin: bool,
) -> int:  # fmt: skip
    """Run a command in a container for a client; its exit code.

    Raises NoSuchContainer, WrongState, CommandNotFound, RuntimeFailed.
    """
    if not command:
        raise InvalidArgument("exec: no command")
    wanted = ExecRequest(tuple(command), terminal=terminal, stdin=stdin)

    def work(engine: Engine, streams: Streams, begun: Begun) -> int:
        made = record.find(engine, container)
        session = begin(engine, made.row, wanted, streams)
        begun(session.running)
        try:
            session.running.pump(streams)
            return session.wait()
        finally:
            session.forget()

    return await _serve(workers, work, ends, stdin=stdin)


async def attach(workers: Workers, container: str, *, ends: Ends, stdin: bool) -> None:
    """Attach a client to a running container until that ends or the client goes.

    Raises NoSuchContainer, WrongState.
    """

    def work(engine: Engine, streams: Streams, begun: Begun) -> int:
        made = record.find(engine, container)
        if made.row.status not in GOING:
            raise WrongState(f"container {made.row.id} is not running")
        request = request_of(made.row.request)
        monitor = engine.plugins.runtime(made.row.runtime).monitor()
        attached = monitor.attach(
            Paths(engine, made.row.id).bundle, made.row.id, terminal=request.terminal
        )
        try:
            begun(attached)
            attached.pump(streams if request.stdin else streams.replace(stdin=-1))
        finally:
            attached.close()
        return 0

    await _serve(workers, work, ends, stdin=stdin)


async def _serve(
    workers: Workers, work: Callable[[Engine, Streams, Begun], int], ends: Ends, *, stdin: bool
) -> int:
    loop = asyncio.get_running_loop()
    pipes = Pipes(ends, stdin=stdin)
    started: asyncio.Future[_Resizable] = loop.create_future()

    def begun(session: _Resizable) -> None:
        loop.call_soon_threadsafe(_resolve, started, session)

    def run(engine: Engine) -> int:
        try:
            return work(engine, pipes.streams(), begun)
        except BrokenPipeError:
            return 0  # nobody is left to be told
        finally:
            pipes.close()

    sizes = asyncio.create_task(_resize(ends, started))
    try:
        return await alone(workers, run)
    finally:
        sizes.cancel()
        await pipes.finish()


def _resolve(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


async def _resize(ends: Ends, started: asyncio.Future[_Resizable]) -> None:
    session = await started
    async for rows, columns in ends.sizes():
        session.resize(rows, columns)


async def alone(workers: Workers, function: Callable[[Engine], T]) -> T:
    """In a thread of its own, that may last: the workers' threads are for short work."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            with NodeEngine(workers.setup) as engine:
                result = function(engine)
        except BaseException as error:
            loop.call_soon_threadsafe(_fail, future, error)
        else:
            loop.call_soon_threadsafe(_resolve, future, result)

    threading.Thread(target=run, name="session", daemon=True).start()
    return await future


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
