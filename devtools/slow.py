"""A slow line to a server on loopback: what is interrupted must still be under way."""

from __future__ import annotations

import socket
import socketserver
import threading
import time

from devtools.serving import InThread

_PIECE = 8192


class SlowLine(InThread):
    """Relays to a TCP port of loopback; answers come at `rate` bytes a second and connection.

    `host` is "localhost:PORT". `begun` is set once an answer has more than a piece.
    """

    def __init__(self, port: int, rate: int) -> None:
        line = self
        self.begun = threading.Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", port)) as far:
                    asking = threading.Thread(
                        target=_copy, args=(self.request, far, 0), daemon=True
                    )
                    asking.start()
                    _copy(far, self.request, rate, line.begun)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        super().__init__(server)
        self.host = f"localhost:{server.server_address[1]}"


def _copy(
    near: socket.socket, far: socket.socket, rate: int, begun: threading.Event | None = None
) -> None:
    try:
        while data := near.recv(_PIECE):
            far.sendall(data)
            if rate:
                time.sleep(len(data) / rate)
            if begun is not None and len(data) == _PIECE:
                begun.set()
        far.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one of the two has gone
