"""An HTTP proxy on loopback, for tests: forwards requests, and tunnels for CONNECT.

Every name leads to 127.0.0.1, so that only who goes by the proxy reaches "registry.test".
"""

from __future__ import annotations

import base64
import http.client
import select
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from devtools.serving import InThread

_HOP = ("proxy-authorization", "proxy-connection", "connection", "transfer-encoding")


class Proxy(InThread):
    """A proxy until closed. tls: (certificate, key) to be spoken to by HTTPS. login:
    "user:password" that it asks for. asked: its requests, as "METHOD address".
    """

    def __init__(self, *, tls: tuple[Path, Path] | None = None, login: str = "") -> None:
        self.asked: list[str] = []
        self.login = login
        proxy = self

        class Handler(_Handler):
            of = proxy

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        super().__init__(server)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        credentials = f"{login}@" if login else ""
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{credentials}localhost:{server.server_address[1]}"

    def allowed(self, given: str) -> bool:
        """Whether a Proxy-Authorization header is right."""
        wanted = base64.b64encode(self.login.encode()).decode()
        return not self.login or given == f"Basic {wanted}"


class _Handler(BaseHTTPRequestHandler):
    of: Proxy
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""

    def _refused(self) -> bool:
        if self.of.allowed(self.headers.get("Proxy-Authorization", "")):
            return False
        self.send_response(407)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def do_CONNECT(self) -> None:
        self.of.asked.append(f"CONNECT {self.path}")
        if self._refused():
            return
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2]))) as far:
            self.wfile.write(b"HTTP/1.0 200 Connection established\r\n\r\n")
            self._relay(far)
        self.close_connection = True

    def _relay(self, far: socket.socket) -> None:
        near = self.connection
        while True:
            pending = isinstance(near, ssl.SSLSocket) and near.pending()
            ready = [near] if pending else select.select([near, far], [], [])[0]
            for one, other in ((near, far), (far, near)):
                if one in ready:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    other.sendall(data)

    def _forward(self) -> None:
        parts = urlsplit(self.path)
        self.of.asked.append(f"{self.command} {parts.netloc}")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self._refused():
            return
        far = http.client.HTTPConnection("127.0.0.1", parts.port or 80)
        sent = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        far.request(self.command, parts._replace(scheme="", netloc="").geturl(), body, sent)
        answer = far.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in (*_HOP, "content-length", "date", "server"):
                self.send_header(name, value)
        shown = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", shown or "0")
        self.end_headers()
        self.wfile.write(data)

    do_GET = _forward  # noqa: N815 (http.server's names)
    do_HEAD = _forward  # noqa: N815 (as above)
    do_POST = _forward  # noqa: N815 (as above)
    do_PUT = _forward  # noqa: N815 (as above)
