"""A registry that does what a real one never should: for tests of bad answers.

It keeps blobs and manifests in memory and serves them as the distribution specification
says, until `behave` answers a request in its stead. Every request is remembered.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from devtools.serving import InThread

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)$")


class Exchange:
    """One request, and the ways to answer it well or badly."""

    def __init__(self, handler: BaseHTTPRequestHandler, registry: LyingRegistry) -> None:
        self._handler = handler
        self._registry = registry
        self.method = handler.command
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        length = int(self.headers.get("content-length") or 0)
        self.body = handler.rfile.read(length) if length else b""

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bool:
        """A whole answer. Returns True, for `behave` to say that it has answered."""
        return self.cut(status, body, len(body), headers)

    def cut(
        self, status: int, body: bytes, after: int, headers: Mapping[str, str] | None = None
    ) -> bool:
        """An answer that declares all of `body`, and ends after some of its bytes."""
        handler = self._handler
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if self.method != "HEAD":
            handler.wfile.write(body[:after])
        if after < len(body):
            self.hang_up()
        return True

    def endless(self, start: bytes) -> bool:
        """An answer without a length that goes on until the client has had enough."""
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        try:
            handler.wfile.write(start)
            while not self._registry.closing.is_set():
                handler.wfile.write(bytes(1 << 16))
                self._registry.poured += 1 << 16
        except OSError:
            pass
        return True

    def drip(self, body: bytes, pieces: int, pause: float) -> bool:
        """A whole answer, so many pieces of it with so many seconds between."""
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        size = -(-len(body) // pieces)
        for start in range(0, len(body), size):
            handler.wfile.write(body[start : start + size])
            self._registry.closing.wait(pause)
        return True

    def stall(self) -> bool:
        """No answer, until the registry is closed."""
        self._registry.closing.wait()
        self.hang_up()
        return True

    def hang_up(self) -> bool:
        """Close the connection."""
        self._handler.close_connection = True
        try:
            self._handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        return True


class LyingRegistry(InThread):
    """HTTP on loopback, until closed. `host` is "localhost:PORT".

    behave: called with every request; whether it has answered it. poured: bytes of
    `Exchange.endless`.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.behave: Callable[[Exchange], bool] = lambda exchange: False
        self.closing = threading.Event()
        self.poured = 0
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        super().__init__(server)
        self.host = f"localhost:{server.server_address[1]}"

    def blob(self, content: bytes) -> str:
        """Keep a blob; its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest

    def manifest(self, repository: str, tag: str, document: dict[str, Any]) -> str:
        """Keep a manifest under a tag and its digest, which is returned."""
        data = json.dumps(document).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        for name in (tag, digest):
            self.manifests[repository, name] = data, document["mediaType"]
        return digest

    def asked(self, method: str, part: str) -> list[dict[str, str]]:
        """Headers of the requests of a method whose path contains `part`."""
        return [headers for done, path, headers in self.requests if done == method and part in path]

    def respond(self, exchange: Exchange) -> None:
        """Answer one request."""
        self.requests.append((exchange.method, exchange.path, exchange.headers))
        if self.behave(exchange):
            return
        if exchange.path == "/v2/":
            exchange.answer(200, b"{}")
        elif (found := _BLOB.match(exchange.path)) and found[2] in self.blobs:
            self._send_blob(exchange, self.blobs[found[2]])
        elif (found := _MANIFEST.match(exchange.path)) and (found[1], found[2]) in self.manifests:
            data, kind = self.manifests[found[1], found[2]]
            exchange.answer(200, data, {"Content-Type": kind})
        else:
            exchange.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}')

    def _send_blob(self, exchange: Exchange, content: bytes) -> None:
        start, _, last = exchange.headers.get("range", "").removeprefix("bytes=").partition("-")
        if not start:
            exchange.answer(200, content)
            return
        part = content[int(start) : int(last) + 1 if last else None]
        where = f"bytes {start}-{int(start) + len(part) - 1}/{len(content)}"
        exchange.answer(206, part, {"Content-Range": where})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        super().__exit__(kind, error, trace)


def _handler(registry: LyingRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            try:
                registry.respond(Exchange(self, registry))
            except OSError:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 (http.server's)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
