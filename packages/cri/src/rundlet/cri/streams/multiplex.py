"""SPDY's streams on one connection: frames to `Stream` objects, and what is written to frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import spdy
from .stream import Stream
from .wire import Wire

MOST_STREAMS = 1000
"""Streams open at once on one connection."""


class Multiplexer:
    """opened: called with each stream that the client opens, and its headers."""

    def __init__(self, wire: Wire, opened: Callable[[Stream, dict[str, str]], None]) -> None:
        self._wire = wire
        self._opened = opened
        self._spdy = spdy.Connection()
        self._streams: dict[int, Stream] = {}
        self._last = 0

    async def run(self) -> None:
        """Until the client closes the connection. Raises spdy.ProtocolError."""
        try:
            while data := await self._wire.read():
                for event in self._spdy.receive(data):
                    await self._handle(event)
        except ConnectionError:
            pass
        finally:
            for stream in self._streams.values():
                stream.abandon()

    async def finish(self) -> None:
        """Tell the client that no more streams are taken."""
        await self._wire.write(spdy.goaway_frame(self._last))

    async def _handle(self, event: spdy.Event) -> None:
        if isinstance(event, spdy.Data):
            stream = self._streams.get(event.stream)
            if stream is not None:
                await stream.feed(event.data)
                if event.fin:
                    await stream.end()
        elif isinstance(event, spdy.Opened):
            await self._open(event)
        elif isinstance(event, spdy.Reset):
            stream = self._streams.pop(event.stream, None)
            if stream is not None:
                stream.abandon()
        elif isinstance(event, spdy.Ping):
            await self._wire.write(spdy.ping_frame(event.number))

    async def _open(self, event: spdy.Opened) -> None:
        if event.stream in self._streams or len(self._streams) >= MOST_STREAMS:
            raise spdy.ProtocolError(f"stream {event.stream} cannot be opened")
        self._last = event.stream
        stream = self._streams[event.stream] = Stream(partial(self._send, event.stream))
        await self._wire.write(self._spdy.reply_frame(event.stream))
        if event.fin:
            await stream.end()
        self._opened(stream, dict(event.headers))

    async def _send(self, stream: int, data: bytes, last: bool) -> None:
        await self._wire.write(spdy.data_frame(stream, data, fin=last))
