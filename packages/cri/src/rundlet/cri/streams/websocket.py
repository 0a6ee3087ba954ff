"""WebSocket connections (RFC 6455, by wsproto), and the channels that Kubernetes puts on them.

A message's first byte is its channel; in the base64 variants that byte is a digit, and what
follows is base64 text.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import partial

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from .stream import Stream
from .wire import Wire

LARGEST_MESSAGE = 1 << 20
CLOSE = 255
"""The channel of v5 on which a client says which channel it has closed."""


class WebSocket:
    """A connection that the client has asked to upgrade. headers, target: of its request."""

    def __init__(self, wire: Wire, headers: Sequence[tuple[bytes, bytes]], target: str) -> None:
        self._wire = wire
        self._connection = WSConnection(ConnectionType.SERVER)
        self._connection.initiate_upgrade_connection(list(headers), target)
        (request,) = self._connection.events()
        self.protocols: tuple[str, ...] = ()
        if isinstance(request, Request):
            self.protocols = tuple(request.subprotocols)
        self._waiting: list[bytes] = []
        self._partial = bytearray()
        self._over = False

    async def accept(self, protocol: str) -> None:
        """Answer the request, with one of the client's protocols or ""."""
        answer = AcceptConnection(subprotocol=protocol or None)
        await self._wire.write(self._connection.send(answer))

    async def read(self) -> bytes:
        """The next whole message; b"" at the end. Empty messages are left out."""
        while not self._waiting and not self._over:
            data = await self._wire.read()
            try:
                self._connection.receive_data(data or None)
                for event in self._connection.events():
                    await self._handle(event)
            except ProtocolError:
                self._over = True
            if not data:
                self._over = True
        return self._waiting.pop(0) if self._waiting else b""

    async def _handle(self, event: object) -> None:
        if isinstance(event, Ping):
            await self._wire.write(self._connection.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._over = True
            await self._wire.write(self._connection.send(event.response()))
        elif isinstance(event, Message):
            data = event.data
            self._partial += data.encode() if isinstance(data, str) else data
            if len(self._partial) > LARGEST_MESSAGE:
                raise ProtocolError(f"a message of more than {LARGEST_MESSAGE} bytes")
            if event.message_finished:
                if self._partial:
                    self._waiting.append(bytes(self._partial))
                self._partial.clear()

    async def write(self, data: bytes) -> None:
        """Send a binary message."""
        await self._send(BytesMessage(data=data))

    async def write_text(self, text: str) -> None:
        """Send a text message."""
        await self._send(TextMessage(data=text))

    async def _send(self, message: BytesMessage | TextMessage) -> None:
        if self._over:
            raise ConnectionResetError("the client has closed the WebSocket")
        await self._wire.write(self._connection.send(message))

    async def close(self) -> None:
        """Say that all is done, if the client has not."""
        if not self._over:
            self._over = True
            await self._wire.write(self._connection.send(CloseConnection(code=1000)))


class Channels:
    """The channels 0 to count-1 of a WebSocket, as streams."""

    def __init__(self, socket: WebSocket, count: int, *, text: bool = False) -> None:
        self._socket = socket
        self._text = text
        self.streams = [Stream(partial(self._send, number)) for number in range(count)]

    async def run(self) -> None:
        """Give messages to their channels until the client is gone."""
        try:
            while message := await self._socket.read():
                channel, data = self._decoded(message)
                if channel == CLOSE and data and data[0] < len(self.streams):
                    await self.streams[data[0]].end()
                elif channel < len(self.streams):
                    await self.streams[channel].feed(data)
        except ConnectionError:
            pass
        finally:
            for stream in self.streams:
                stream.abandon()

    def _decoded(self, message: bytes) -> tuple[int, bytes]:
        if not self._text:
            return message[0], message[1:]
        try:
            return message[0] - ord("0"), base64.b64decode(message[1:], validate=True)
        except binascii.Error:
            return CLOSE, b""

    async def greet(self, channel: int) -> None:
        """An empty message: clients of the first protocols wait for one."""
        await self._send(channel, b"", False)

    async def _send(self, channel: int, data: bytes, last: bool) -> None:
        if last:
            return  # there is no word for it: the connection's end says it
        if self._text:
            await self._socket.write_text(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.write(bytes((channel,)) + data)
