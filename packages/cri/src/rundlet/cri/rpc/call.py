"""One call of a client, from its request to its status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
from grpc._cython import cygrpc as core  # type: ignore[attr-defined]  # not in the stubs

from ..telemetry.observer import Call as Seen
from ..telemetry.observer import Observer
from .methods import Method, serialized, status

LOG = logging.getLogger("rundlet.cri")
_NO_FLAGS = 0
_NO_METADATA = ()


class Call:
    """A call of a known method.

    `begin` and what the core tells (`_received`, `_closed`, `_sent`) run in the thread that reads
    calls; all else in the event loop's. The core refers to a call until it is closed.
    """

    def __init__(
        self, method: Method, event: Any, loop: asyncio.AbstractEventLoop, observer: Observer
    ) -> None:
        self._method = method
        self._core = event.call
        self._metadata = event.invocation_metadata
        self._loop = loop
        self._observer = observer
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._has_sent = False

    def begin(self) -> None:
        """Wait for the request, and for the end of the call."""
        self._core.start_server_batch(
            (core.ReceiveCloseOnServerOperation(_NO_FLAGS),), self._closed
        )
        self._core.start_server_batch((core.ReceiveMessageOperation(_NO_FLAGS),), self._received)

    def _received(self, event: Any) -> None:
        """The method is called; what it gives at once is sent at once."""
        data = event.batch_operations[0].message()
        if data is None:
            self._end(grpc.StatusCode.INTERNAL, "the call has no request")
            return
        method = self._method
        seen = Seen(method.service, method.name, self._metadata)
        code, words, answer = grpc.StatusCode.OK, "", None
        try:
            answer = method.function(method.request.FromString(data))
        except Exception as error:  # the client is told
            code, words = status(method.name, error)
        if answer is not None and not isinstance(answer, bytes):
            self._loop.call_soon_threadsafe(self._wait, seen, answer)
            return
        seen.code = code.name
        with self._observer.call(seen):
            self._end(code, words, answer)
        _log(seen)

    def _closed(self, event: Any) -> None:
        if event.batch_operations[0].cancelled():
            self._loop.call_soon_threadsafe(self._cancel)

    def _sent(self, told: asyncio.Future[None], _: Any) -> None:
        self._loop.call_soon_threadsafe(_resolve, told)

    # --- in the event loop

    def _cancel(self) -> None:
        """The client has gone, its time is over, or the server ends."""
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    def _wait(self, seen: Seen, answer: Any) -> None:
        if self._cancelled:
            _forget(answer)
            return
        self._task = self._loop.create_task(self._answer(seen, answer))
        # A task that is cancelled before its first step never comes to what it shall wait for.
        self._task.add_done_callback(lambda _: _forget(answer))

    async def _answer(self, seen: Seen, answer: Any) -> None:
        code, words, last = grpc.StatusCode.OK, "", None
        try:
            with self._observer.call(seen):
                try:
                    last = await (self._stream(answer) if self._method.streams else _one(answer))
                except asyncio.CancelledError:
                    code, words = grpc.StatusCode.CANCELLED, "cancelled"
                except Exception as error:  # the client is told
                    code, words = status(self._method.name, error)
                seen.code = code.name
        finally:
            self._end(code, words, last)
            _log(seen)

    async def _stream(self, answers: AsyncGenerator[Any, None]) -> None:
        """Send each answer when the one before it has gone out."""
        async with aclosing(answers):
            async for answer in answers:
                told = self._loop.create_future()
                message = core.SendMessageOperation(serialized(answer), _NO_FLAGS)
                self._core.start_server_batch(
                    (*self._opening(), message), partial(self._sent, told)
                )
                await told

    # --- in both: each call is sent an end once

    def _opening(self) -> tuple[Any, ...]:
        """What has to be sent before all else."""
        if self._has_sent:
            return ()
        self._has_sent = True
        return (core.SendInitialMetadataOperation(_NO_METADATA, _NO_FLAGS),)

    def _end(self, code: grpc.StatusCode, words: str, last: bytes | None = None) -> None:
        operations = list(self._opening())
        if last is not None:
            operations.append(core.SendMessageOperation(last, _NO_FLAGS))
        operations.append(_status(code, words))
        self._core.start_server_batch(tuple(operations), _nothing)


def refuse(call: Any, code: grpc.StatusCode, words: str) -> None:
    """End a call of the core with an error, whatever it asks for."""
    operations = (
        core.SendInitialMetadataOperation(_NO_METADATA, _NO_FLAGS),
        core.ReceiveCloseOnServerOperation(_NO_FLAGS),
        _status(code, words),
    )
    call.start_server_batch(operations, _nothing)


def _status(code: grpc.StatusCode, words: str) -> Any:
    return core.SendStatusFromServerOperation(
        _NO_METADATA, code.value[0], words.encode(errors="replace"), _NO_FLAGS
    )


def _log(seen: Seen) -> None:
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("%s: %s in %.1f ms", seen.name, seen.code, seen.seconds * 1000)


async def _one(answer: Awaitable[Any]) -> bytes:
    return serialized(await answer)


def _nothing(_: Any) -> None:
    """Of an event that nobody waits for."""


def _resolve(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)


def _forget(answer: Any) -> None:
    """Close a coroutine that may not have begun; nothing happens to one that has ended."""
    close = getattr(answer, "close", None)
    if close is not None:
        close()
