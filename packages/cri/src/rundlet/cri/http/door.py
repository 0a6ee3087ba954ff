"""Where HTTP is served: on a socket beside the CRI's, or on the same where CRI-O's name is kept.

gRPC's own server takes no connection that another has accepted. On a socket with both, ours
accepts, looks at the first bytes, and passes those of HTTP/2 on to gRPC's socket. That costs a
hop for each message, so it is done only for a socket called `crio.sock`: there kubelet's
cAdvisor and CRI-O's own tools come with HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Coroutine
from typing import Any

from rundlet.core.errors import StoreError

from .connection import Respond, serve

SHARED = "crio.sock"
_HTTP2 = b"PRI * HTTP/2.0"


def beside(listen: str) -> str:
    """The socket of HTTP: the CRI's own when it is shared, else one beside it."""
    if os.path.basename(listen) == SHARED:
        return listen
    root, end = os.path.splitext(listen)
    return f"{root}-http{end}"


def grpc_socket(listen: str) -> str:
    """The socket that gRPC listens on."""
    shared = os.path.basename(listen) == SHARED
    return os.path.join(os.path.dirname(listen), "grpc.sock") if shared else listen


class Door:
    """Listens for HTTP, and on a shared socket for gRPC too."""

    def __init__(self, listen: str, respond: Respond) -> None:
        self._path = beside(listen)
        self._grpc = grpc_socket(listen) if self._path == listen else ""
        self._respond = respond
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None

    async def start(self) -> None:
        """Listen. The path must be free. Raises StoreError."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener = listener
        before = os.umask(0o077)  # root's alone
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
            listener.bind(self._path)
        except OSError as error:
            raise StoreError(f"cannot listen on {self._path}: {error}") from error
        finally:
            os.umask(before)
        listener.listen(128)
        self._keep(self._accept(listener))

    async def close(self) -> None:
        """Listen no more, and cut who is there."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            self._keep(self._client(client))

    async def _client(self, client: socket.socket) -> None:
        with client, contextlib.suppress(ConnectionError):
            if self._grpc and await _speaks_http2(client):
                await _passed_on(client, self._grpc)
                return
            reader, writer = await asyncio.open_unix_connection(sock=client)
            await serve(self._respond, reader, writer)


async def _speaks_http2(client: socket.socket) -> bool:
    """Whether the connection begins as HTTP/2 does; nothing of it is taken."""
    loop = asyncio.get_running_loop()
    while True:
        readable = loop.create_future()
        loop.add_reader(client, _resolved, readable)
        try:
            await readable
        finally:
            loop.remove_reader(client)
        head = client.recv(len(_HTTP2), socket.MSG_PEEK)
        if len(head) >= len(_HTTP2) or not _HTTP2.startswith(head) or not head:
            return head == _HTTP2
        await asyncio.sleep(0.01)  # the rest of the preface: a peek does not wait for it


def _resolved(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _End(asyncio.Protocol):
    """One side of a connection that is passed on; a side that is full makes the other wait."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended
        self.other: asyncio.Transport
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.other.write(data)

    def pause_writing(self) -> None:
        self.other.pause_reading()

    def resume_writing(self) -> None:
        self.other.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended.set()


async def _passed_on(client: socket.socket, path: str) -> None:
    """Copy both ways until a side ends; then neither is there any longer."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    inner, inward = await loop.create_unix_connection(lambda: _End(ended), path)
    inner.pause_reading()
    outward = _End(ended)
    outward.other = inner
    outer, _ = await loop.connect_accepted_socket(lambda: outward, client)
    inward.other = outer
    inner.resume_reading()
    try:
        await ended.wait()
    finally:
        inner.close()
        outer.close()
