"""The streams of a process: from its fifos to the log and to clients, from clients to its stdin.

Clients come by the socket `attach` of the bundle, and see what conmon would send (attach.py).
A client that reads slowly slows the process down, as any pipe does; nothing is lost.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_SEQPACKET, socket
from collections import deque

from .loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import Log
    from .loop import Loop
    from .stdin import Input

_CHUNK = 32768
_HELD = 1 << 20
"""Bytes kept for a client that does not read, before the process has to wait."""
_LINGERING = 2.0
"""Seconds without output, after the exit, until what others hold open is given up on."""
_SLOW = 10.0
"""Seconds that a client may take to read something, after the exit."""

STREAMS = {"stdout": b"\x02", "stderr": b"\x03"}
"""The first byte of a packet to a client."""


class Streams:
    """All of one process. outputs: the fifos by "stdout" and "stderr".

    stdin: None for a process without. terminal: a client that leaves does not end its stdin.
    """

    def __init__(self, loop: Loop, log: Log, stdin: Input | None, *, terminal: bool) -> None:
        self.loop = loop
        self.log = log
        self.stdin = stdin
        if stdin is not None:
            stdin.room = self._room
        self.terminal = terminal
        self.outputs: dict[str, int] = {}
        self.clients: list[Client] = []
        self.moved = 0
        """Bytes that came out so far: whether there is progress."""
        self._listener: socket | None = None
        self._paused = False

    def open(self, outputs: dict[str, str]) -> None:
        """Open the fifos for reading; they are there."""
        for stream, path in outputs.items():
            self.outputs[stream] = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._read_outputs()

    def listen(self, bundle: str) -> None:
        """Serve clients from now on. By way of /proc/self/fd: the path may be long."""
        path = f"{bundle}/attach"
        if os.path.lexists(path):
            os.unlink(path)
        self._listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
        directory = os.open(bundle, os.O_PATH | os.O_CLOEXEC)
        before = os.umask(0o177)
        try:
            self._listener.bind(f"/proc/self/fd/{directory}/attach")
        finally:
            os.umask(before)
            os.close(directory)
        self._listener.listen(16)
        self._listener.setblocking(False)
        self.loop.watch(self._listener.fileno(), READ, self._accept)

    def _accept(self, _: int = 0) -> None:
        """Take those who have connected: before any output that came after they did."""
        if self._listener is None:
            return
        try:
            while True:
                descriptor, _address = self._listener._accept()  # type: ignore[attr-defined]  # _socket's own
                os.set_inheritable(descriptor, False)
                self.clients.append(Client(self, socket(fileno=descriptor)))
        except BlockingIOError:
            return

    def _read_outputs(self) -> None:
        for stream, descriptor in self.outputs.items():
            self.loop.watch(descriptor, READ, self._reader(stream))

    def _reader(self, stream: str) -> Callable[[int], None]:
        return lambda _: self._output(stream)

    def _output(self, stream: str) -> None:
        try:
            data = os.read(self.outputs[stream], _CHUNK)
        except BlockingIOError:
            return
        if not data:
            descriptor = self.outputs.pop(stream)
            self.loop.forget(descriptor)
            os.close(descriptor)
            return
        self.moved += len(data)
        self._accept()
        self.log.write(stream, data)
        for client in tuple(self.clients):
            client.send(STREAMS[stream] + data)
        self.balance()

    def balance(self) -> None:
        """Stop and resume reading as clients have room."""
        full = any(client.held > _HELD for client in self.clients)
        if full and not self._paused:
            for descriptor in self.outputs.values():
                self.loop.forget(descriptor)
        elif self._paused and not full:
            self._read_outputs()
        self._paused = full

    def _room(self) -> None:
        for client in tuple(self.clients):
            client.resume()

    def drain(self) -> None:
        """After the exit: copy until the end, unless others keep it open."""
        while self.outputs:
            before = (self.moved, self._held())
            patience = _SLOW if self._paused else _LINGERING
            if not self.loop.until(lambda: not self.outputs, patience) and before == (
                self.moved,
                self._held(),
            ):
                return

    def _held(self) -> int:
        return sum(client.held for client in self.clients)

    def close(self) -> None:
        """Close the connections, once all was sent or a client does not read."""
        if self._listener is not None:
            self.loop.forget(self._listener.fileno())
            self._listener.close()
            self._listener = None
        before = -1
        while (held := self._held()) and held != before:
            before = held
            self.loop.until(lambda: not self._held(), _SLOW)
        for client in tuple(self.clients):
            client.close()
        if self.stdin is not None:
            self.stdin.close()


class Client:
    """One connection. Packets to it begin with the stream's byte; what it sends is input."""

    def __init__(self, streams: Streams, connection: socket) -> None:
        self.streams = streams
        self.socket = connection
        self.held = 0
        self._packets: deque[bytes] = deque()
        self._reading = True
        self._blocked = False  # there is no room for what it sends
        self._watch()

    def _watch(self) -> None:
        reads = READ if self._reading and not self._blocked else 0
        if self._blocked and not self._packets:
            self.streams.loop.forget(self.socket.fileno())
            return
        events = reads | (WRITE if self._packets else 0)
        self.streams.loop.watch(self.socket.fileno(), events, self._ready)

    def resume(self) -> None:
        """There is room again for what it sends."""
        if self._blocked:
            self._blocked = False
            self._watch()

    def send(self, packet: bytes) -> None:
        """Send, now or when there is room."""
        self._packets.append(packet)
        self.held += len(packet)
        if len(self._packets) == 1:
            self._flush()

    def _flush(self) -> None:
        try:
            while self._packets:
                self.socket.send(self._packets[0], MSG_DONTWAIT | MSG_NOSIGNAL)
                self.held -= len(self._packets.popleft())
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        self._watch()

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
            self.streams.balance()
        if self.socket.fileno() >= 0 and events & ~WRITE:
            self._input(events)

    def _input(self, events: int) -> None:
        stdin = self.streams.stdin
        if stdin is not None and stdin.full:
            self._blocked = True
            self._watch()
            return
        try:
            data = self.socket.recv(_CHUNK, MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            if stdin is not None:
                stdin.feed(data)
            return
        if stdin is not None and not self.streams.terminal:
            stdin.end()
        if events & ~(READ | WRITE) or not self._reading:
            self.close()  # it hung up
            return
        self._reading = False  # it sends no more, and may read on
        self._watch()

    def close(self) -> None:
        """End the connection; what is pending for it is dropped."""
        if self.socket.fileno() >= 0:
            self.streams.loop.forget(self.socket.fileno())
            self.socket.close()
        if self in self.streams.clients:
            self.streams.clients.remove(self)
        self._packets.clear()
        self.held = 0
        self.streams.balance()
