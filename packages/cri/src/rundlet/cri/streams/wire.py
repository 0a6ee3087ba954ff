"""Bytes to and from a client: a TCP connection, or messages of a WebSocket that carry a tunnel."""

from __future__ import annotations

import asyncio
from typing import Protocol

_BLOCK = 65536


class Wire(Protocol):
    """What a protocol is spoken over."""

    async def read(self) -> bytes:
        """Some bytes; b"" at the end. Raises ConnectionError."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all, waiting while the client does not read. Raises ConnectionError."""
        ...


class Socket:
    """A connection whose first bytes may have been read with the HTTP request.

    idle: seconds without a byte either way after which it ends; 0: never.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        unread: bytes,
        idle: float = 0.0,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._unread = unread
        self._idle = idle
        self._written = 0.0

    async def read(self) -> bytes:
        """Some bytes; b"" at the end."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        if not self._idle:
            return await self._reader.read(_BLOCK)
        return await self._read_in_time()

    async def _read_in_time(self) -> bytes:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        reading = asyncio.ensure_future(self._reader.read(_BLOCK))
        try:
            while (left := max(begun, self._written) + self._idle - loop.time()) > 0:
                done, _ = await asyncio.wait((reading,), timeout=left)
                if done:
                    return reading.result()
        finally:
            reading.cancel()
        return b""  # as if the client had left

    async def write(self, data: bytes) -> None:
        """Send all."""
        self._written = asyncio.get_running_loop().time()
        self._writer.write(data)
        await self._writer.drain()
