"""One of the streams that share a client's connection, whichever protocol that speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Send = Callable[[bytes, bool], Awaitable[None]]

_BEHIND = 64
"""Messages that may wait for their reader; the connection is not read further then."""
_BLOCK = 32768
"""Bytes of one message: as many as the clients' own buffers have."""


class Stream:
    """Bytes both ways. send: writes some to the client; with True, none come after them."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue(_BEHIND)
        self._ended = False
        self._closed = False

    async def read(self) -> bytes:
        """Some bytes; b"" at the end, and from then on."""
        if self._ended and self._incoming.empty():
            return b""
        data = await self._incoming.get()
        if not data:
            self._ended = True
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ConnectionError when the client is gone."""
        for begin in range(0, len(data), _BLOCK):
            await self._send(data[begin : begin + _BLOCK], False)

    async def close(self) -> None:
        """Send no more."""
        if not self._closed:
            self._closed = True
            await self._send(b"", True)

    async def feed(self, data: bytes) -> None:
        """From the connection; waits while the reader is far behind."""
        if data and not self._ended:
            await self._incoming.put(data)

    async def end(self) -> None:
        """The client sends no more."""
        if not self._ended:
            await self._incoming.put(b"")

    def abandon(self) -> None:
        """The connection is gone: who reads sees the end, though the queue may be full."""
        if self._incoming.full():
            self._incoming.get_nowait()
        self._incoming.put_nowait(b"")
