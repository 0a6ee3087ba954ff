"""A client's ends of a session, and the pipes between them and the engine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Protocol

from rundlet.core.contracts.monitor import Streams

_BLOCK = 65536


class Ends(Protocol):
    """What a streaming server gives for one session."""

    async def read(self) -> bytes:
        """Some standard input; b"" at its end."""
        ...

    async def write(self, data: bytes, *, stderr: bool) -> None:
        """Send some output. Raises ConnectionError when the client is gone."""
        ...

    def sizes(self) -> AsyncIterator[tuple[int, int]]:
        """Rows and columns of the client's terminal, whenever they change."""
        ...


class Pipes:
    """Pipes that the engine reads and writes in a thread, and tasks that serve the client.

    stdin: whether the client has one for us. After the engine's side has ended, `finish`
    waits until all its output was sent.
    """

    def __init__(self, ends: Ends, *, stdin: bool) -> None:
        self._ends = ends
        self._stdin, feed = os.pipe2(os.O_CLOEXEC) if stdin else (-1, -1)
        out, self._stdout = os.pipe2(os.O_CLOEXEC)
        err, self._stderr = os.pipe2(os.O_CLOEXEC)
        self._tasks = [
            asyncio.create_task(self._send(out, stderr=False)),
            asyncio.create_task(self._send(err, stderr=True)),
        ]
        self._feeding = asyncio.create_task(self._feed(feed)) if stdin else None

    def streams(self) -> Streams:
        """The engine's ends; its thread closes them by `close`."""
        return Streams(stdin=self._stdin, stdout=self._stdout, stderr=self._stderr, detach_keys=b"")

    def close(self) -> None:
        """Close the engine's ends: our readers come to their end."""
        for descriptor in (self._stdin, self._stdout, self._stderr):
            if descriptor >= 0:
                os.close(descriptor)

    async def finish(self) -> None:
        """Wait until the client has all output, or is gone."""
        if self._feeding is not None:
            self._feeding.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, descriptor: int, *, stderr: bool) -> None:
        reader = asyncio.StreamReader(limit=_BLOCK)
        loop = asyncio.get_running_loop()
        pipe = open(descriptor, "rb", buffering=0)  # noqa: SIM115 (the transport closes it)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            while data := await reader.read(_BLOCK):
                await self._ends.write(data, stderr=stderr)
        finally:
            transport.close()  # a client that is gone: the engine's next write says so

    async def _feed(self, descriptor: int) -> None:
        """What the client types goes in by a thread's write: the other side may not read."""
        loop = asyncio.get_running_loop()
        pipe = open(descriptor, "wb", buffering=0)  # noqa: SIM115 (the transport closes it)
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(), pipe
        )
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            while data := await self._ends.read():
                writer.write(data)
                await writer.drain()
        finally:
            transport.close()
