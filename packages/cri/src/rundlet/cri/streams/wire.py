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
    """A connection whose first bytes may have been read with the HTTP request."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unread: bytes
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._unread = unread

    async def read(self) -> bytes:
        """Some bytes; b"" at the end."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        return await self._reader.read(_BLOCK)

    async def write(self, data: bytes) -> None:
        """Send all."""
        self._writer.write(data)
        await self._writer.drain()
