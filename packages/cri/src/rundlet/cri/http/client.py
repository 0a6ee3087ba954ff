"""Asking a server's status API."""

from __future__ import annotations

import http.client
import socket

from rundlet.core.errors import NotFound, WrongState

from .door import beside

TIMEOUT = 10.0  # seconds


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def get(listen: str, path: str) -> bytes:
    """What the server of a CRI socket answers. Raises WrongState when none does, NotFound."""
    try:
        connection = _Connection(beside(listen))
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise WrongState(
            f"no server answers on {listen}: {error}", remedy="start rundlet-cri, or use --socket"
        ) from error
    if answer.status == 404:
        raise NotFound(body.decode(errors="replace").strip())
    if answer.status != 200:
        raise WrongState(body.decode(errors="replace").strip())
    return body
