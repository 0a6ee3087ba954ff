"""TLS inside of TLS: a server reached through a proxy that itself is spoken to by HTTPS."""

from __future__ import annotations

import select
import socket
import threading

_PIECE = 1 << 16


def relayed(secured: socket.socket) -> socket.socket:
    """A plain socket whose bytes go through a TLS socket, both ways, until one end closes.

    A thread carries them: Python's ssl can only be laid over a real socket.
    """
    ours, far = socket.socketpair()
    threading.Thread(target=_carry, args=(secured, far), name="tunnel", daemon=True).start()
    return ours


def _carry(secured: socket.socket, far: socket.socket) -> None:
    try:
        secured.settimeout(None)
        poll = select.poll()
        for end in (secured, far):
            poll.register(end, select.POLLIN)
        while True:
            pending = secured.pending() > 0  # type: ignore[attr-defined]  # of ssl
            ready = {descriptor for descriptor, _ in poll.poll(0 if pending else None)}
            if (pending or secured.fileno() in ready) and not _pass(secured, far):
                return
            if far.fileno() in ready and not _pass(far, secured):
                return
    except OSError:
        pass  # the other end finds out by the closed socket
    finally:
        far.close()
        secured.close()


def _pass(source: socket.socket, target: socket.socket) -> bool:
    data = source.recv(_PIECE)
    target.sendall(data)
    return bool(data)
