"""The socket of an agent, as one RUN sees it."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager

from . import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .wire import Agent


@contextmanager
def served(agent: Agent, path: str) -> Iterator[None]:
    """Listen at a path, which is there until the block ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        _bind(listener, path)
        listener.listen()
        thread = threading.Thread(target=_accept, args=(agent, listener), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # accept(2) ends
            thread.join()
            os.unlink(path)


def _bind(listener: socket.socket, path: str) -> None:
    """By a short name of its directory: the address of a socket has 108 bytes at most."""
    directory, name = os.path.split(path)
    opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{opened}/{name}")
    finally:
        os.close(opened)


def _accept(agent: Agent, listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(agent, client), daemon=True).start()


def _talk(agent: Agent, client: socket.socket) -> None:
    """Answer one client until it goes."""
    with client, client.makefile("rb") as stream:
        try:
            while message := wire.received(stream.read):
                client.sendall(wire.string(agent.answer(message)))
        except (OSError, ValueError):
            return
