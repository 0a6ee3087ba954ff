"""The streaming server: HTTP requests that become SPDY or WebSocket connections.

The answers of Exec, Attach and PortForward are URLs here; kubelet and crictl connect to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import h11

from rundlet.core.errors import SettingsError
from rundlet.core.value import Value

from ..proto import api_pb2 as cri
from ..server.tls import Tls
from ..server.work import Workers
from . import forward, remote, spdy
from .multiplex import Multiplexer
from .stream import Stream
from .tickets import Request, Tickets
from .websocket import Channels, WebSocket
from .wire import Socket, Wire

LOG = logging.getLogger("rundlet.cri")
PATIENCE = 30.0
"""Seconds that a client has to send its request, and then to open its streams."""
_LARGEST_HEAD = 65536

_COMMANDS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
_FORWARD = "portforward.k8s.io"
_TUNNEL = f"SPDY/3.1+{_FORWARD}"
_SOCKET_COMMANDS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
_SOCKET_FORWARD = (_TUNNEL, "v4.channel.k8s.io", "v4.base64.channel.k8s.io")
_VERSION_HEADER = b"x-stream-protocol-version"


class Address(Value):
    """Where to listen. port: 0 for any. tls: without a certificate there is none.

    idle: seconds without a byte after which a connection ends; 0: never.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: Tls = Tls()
    idle: float = 0.0


class StreamServer:
    """Issues URLs, and serves who comes to them."""

    def __init__(self, workers: Workers, address: Address) -> None:
        self._workers = workers
        self._address = address
        self._tickets = Tickets()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._base = ""

    @property
    def tls(self) -> Tls:
        return self._address.tls

    async def start(self) -> None:
        """Listen. Raises SettingsError when that cannot be."""
        address = self._address
        try:
            context = self.tls.context()
            self._server = await asyncio.start_server(
                self._client, address.host, address.port, ssl=context
            )
        except OSError as error:
            raise SettingsError(
                f"streaming cannot listen on {address.host}:{address.port}: {error}"
            ) from error
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._base = f"{'https' if context else 'http'}://{host}:{port}"

    def url(self, kind: str, request: Request) -> str:
        """Where the client of a request is to come to, soon and once. Raises Busy."""
        return f"{self._base}/{kind}/{self._tickets.issue(request)}"

    async def close(self) -> None:
        """Listen no more, and cut who is there."""
        if self._server is not None:
            self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError, spdy.ProtocolError, h11.ProtocolError) as error:
            LOG.debug("a streaming client: %s", error)
        except asyncio.CancelledError:
            pass  # the server ends
        except Exception:  # a defect of ours: the server lives
            LOG.exception("a streaming client was cut off")
        finally:
            self._clients.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, unread = await asyncio.wait_for(_head(reader), PATIENCE)
        wire = Socket(reader, writer, unread, self._address.idle)
        _, kind, token = (*urlsplit(head.target.decode()).path.split("/"), "", "", "")[:3]
        upgrade = _first(head, b"upgrade").lower()
        serve = {"spdy/3.1": self._spdy, "websocket": self._websocket}.get(upgrade)
        if serve is None:
            return await _refuse(wire, 400, "Upgrade to SPDY/3.1 or websocket is needed")
        request = self._tickets.take(token, kind)
        if request is None:
            return await _refuse(wire, 404, "the token is unknown, was used, or is too old")
        await serve(wire, head, request)
        return None

    async def _spdy(self, wire: Wire, head: h11.Request, request: Request) -> None:
        forwarding = isinstance(request, cri.PortForwardRequest)
        asked = _all(head, _VERSION_HEADER)
        known = (_FORWARD,) if forwarding else _COMMANDS
        protocol = next((name for name in known if name in asked), "")
        if asked and not protocol:
            words = f"none of these protocols is known: {', '.join(asked)}"
            return await _refuse(wire, 403, words, ("X-Accept-Stream-Protocol-Version", known))
        headers = ["Connection: Upgrade", "Upgrade: SPDY/3.1"]
        if protocol:
            headers.append(f"X-Stream-Protocol-Version: {protocol}")
        lines = "".join(f"{line}\r\n" for line in headers)
        await wire.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
        if isinstance(request, cri.PortForwardRequest):
            await self._forward_spdy(wire, request)
        else:
            await self._command_spdy(wire, request, protocol)
        return None

    async def _command_spdy(self, wire: Wire, request: remote.Request, protocol: str) -> None:
        wanted = remote.wanted(request, protocol)
        streams: dict[str, Stream] = {}
        complete = asyncio.Event()

        def opened(stream: Stream, headers: dict[str, str]) -> None:
            streams[headers.get("streamtype", "")] = stream
            if wanted <= streams.keys():
                complete.set()

        connection = Multiplexer(wire, opened)

        async def work() -> None:
            await asyncio.wait_for(complete.wait(), PATIENCE)
            await remote.serve(self._workers, request, streams, protocol)

        await _until(connection.run, work)

    async def _forward_spdy(self, wire: Wire, request: cri.PortForwardRequest) -> None:
        pairs: dict[str, dict[str, Stream]] = {}

        def opened(stream: Stream, headers: dict[str, str]) -> None:
            pair = pairs.setdefault(headers.get("requestid", ""), {})
            pair[headers.get("streamtype", "")] = stream
            if "data" in pair and "error" in pair:
                del pairs[headers.get("requestid", "")]
                text = headers.get("port", "")
                port = int(text) if text.isdecimal() else 0
                pod = request.pod_sandbox_id
                group.create_task(
                    _quietly(forward.serve(self._workers, pod, port, pair["data"], pair["error"]))
                )

        async with asyncio.TaskGroup() as group:
            await Multiplexer(wire, opened).run()

    async def _websocket(self, wire: Wire, head: h11.Request, request: Request) -> None:
        socket = WebSocket(wire, list(head.headers.raw_items()), head.target.decode())
        forwarding = isinstance(request, cri.PortForwardRequest)
        known = _SOCKET_FORWARD if forwarding else _SOCKET_COMMANDS
        protocol = next((name for name in socket.protocols if name in known), "")
        if socket.protocols and not protocol:
            words = f"none of these protocols is known: {', '.join(socket.protocols)}"
            return await _refuse(wire, 400, words)
        await socket.accept(protocol)
        try:
            if not isinstance(request, cri.PortForwardRequest):
                await self._command_websocket(socket, request, protocol)
            elif protocol == _TUNNEL:
                await self._forward_spdy(socket, request)
            else:
                await self._forward_websocket(socket, request, text="base64" in protocol)
        finally:
            with contextlib.suppress(ConnectionError):
                await socket.close()
        return None

    async def _command_websocket(
        self, socket: WebSocket, request: remote.Request, protocol: str
    ) -> None:
        channels = Channels(socket, len(remote.CHANNELS), text="base64" in protocol)
        named = dict(zip(remote.CHANNELS, channels.streams, strict=True))
        wanted = {*remote.wanted(request, protocol), remote.RESIZE}
        first = next(
            name for name in (remote.STDOUT, remote.STDERR, remote.ERROR) if name in wanted
        )
        await channels.greet(remote.CHANNELS.index(first))
        streams = {name: stream for name, stream in named.items() if name in wanted}
        await _until(channels.run, lambda: remote.serve(self._workers, request, streams, protocol))

    async def _forward_websocket(
        self, socket: WebSocket, request: cri.PortForwardRequest, *, text: bool
    ) -> None:
        """A pair of channels for each port; the first message of each is the port's number."""
        channels = Channels(socket, 2 * len(request.port), text=text)
        pairs = list(zip(channels.streams[::2], channels.streams[1::2], strict=True))
        async with asyncio.TaskGroup() as group:
            for port, pair in zip(request.port, pairs, strict=True):
                for stream in pair:
                    await stream.write(port.to_bytes(2, "little"))
                group.create_task(
                    _quietly(forward.serve(self._workers, request.pod_sandbox_id, port, *pair))
                )
            await channels.run()


async def _until(
    reading: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]
) -> None:
    """Do the work while the connection is read; reading ends with it."""
    reader = asyncio.ensure_future(reading())
    try:
        await work()
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _quietly(work: Awaitable[None]) -> None:
    """One of many connections: its client's end ends no other."""
    with contextlib.suppress(ConnectionError):
        await work


async def _head(reader: asyncio.StreamReader) -> tuple[h11.Request, bytes]:
    """The request, and what of the connection's bytes came after it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event, connection.trailing_data[0]
        data = await reader.read(_LARGEST_HEAD)
        if not data:
            raise ConnectionResetError("the client left before its request was whole")
        connection.receive_data(data)


def _all(head: h11.Request, name: bytes) -> list[str]:
    texts = [value.decode() for key, value in head.headers if key == name]
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _first(head: h11.Request, name: bytes) -> str:
    return next(iter(_all(head, name)), "")


async def _refuse(
    wire: Wire, status: int, words: str, header: tuple[str, tuple[str, ...]] | None = None
) -> None:
    lines = [f"HTTP/1.1 {status} Refused", "Connection: close", "Content-Type: text/plain"]
    if header is not None:
        lines += [f"{header[0]}: {value}" for value in header[1]]
    body = f"{words}\n"
    lines += [f"Content-Length: {len(body)}", "", body]
    await wire.write("\r\n".join(lines).encode())
