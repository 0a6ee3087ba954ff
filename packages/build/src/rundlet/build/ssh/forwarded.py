"""An agent that another program is: what it is asked goes on to its socket."""

from __future__ import annotations

import socket

from . import wire

_PASSED_ON = (wire.REQUEST_IDENTITIES, wire.SIGN_REQUEST)


class Forwarded:
    """The agent at a socket, for reading: a build neither adds keys there nor removes or locks
    them."""

    def __init__(self, path: str) -> None:
        self._path = path

    def answer(self, message: bytes) -> bytes:
        """What that agent answers; FAILURE when it is gone."""
        if message[0] not in _PASSED_ON:
            return wire.FAILURE
        try:
            with socket.socket(socket.AF_UNIX) as agent:
                agent.connect(self._path)
                agent.sendall(wire.string(message))
                with agent.makefile("rb") as stream:
                    return wire.received(stream.read) or wire.FAILURE
        except (OSError, ValueError):
            return wire.FAILURE
