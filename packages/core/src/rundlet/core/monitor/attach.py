"""Being attached to a container or exec session: the monitor's socket, and the loop that copies.

The socket is SOCK_SEQPACKET. From the monitor each packet is one byte (2 stdout, 3 stderr) and
output, up to 8 KiB of conmon's, 32 of ours; to it packets are plain input, and shutting down
our side closes the container's stdin. It closes the connection after the exit, when all was
sent.
"""

from __future__ import annotations

import os
import select

# The C module: `socket` would import selectors and more to wrap it.
from _socket import (
    AF_UNIX,
    MSG_DONTWAIT,
    MSG_NOSIGNAL,
    SHUT_WR,
    SOCK_CLOEXEC,
    SOCK_SEQPACKET,
    socket,
)

from ..contracts.monitor import Attached
from ..errors import WrongState
from .detach import Detector
from .program import resize
from .terminal import Raw, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.monitor import Streams

_PACKET = 65536
_INPUT = 8192  # the smallest buffer that conmon releases read packets into
_STDOUT = 2
_STDERR = 3

EXITED = "exited"
DETACHED = "detached"


def connect(bundle: str, container: str) -> socket:
    """Connect to the socket in a bundle. Raises WrongState when no monitor listens.

    By way of /proc/self/fd: the path may be longer than sun_path's 108 bytes.
    """
    connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    try:
        directory = os.open(bundle, os.O_PATH | os.O_CLOEXEC)
        try:
            connection.connect(f"/proc/self/fd/{directory}/attach")
        finally:
            os.close(directory)
    except OSError as error:
        connection.close()
        raise WrongState(
            f"cannot attach to container {container}: its monitor does not answer"
            f" ({error.strerror})"
        ) from None
    return connection


class SocketAttached(Attached):
    """A connection to the socket of a bundle."""

    def __init__(self, bundle: str, container: str, terminal: bool) -> None:
        self.bundle = bundle
        self.container = container
        self.terminal = terminal
        self._socket = connect(bundle, container)

    def pump(self, streams: Streams) -> str:
        """Copy until the process ended and all its output arrived, or the keys were typed.

        Raises BrokenPipeError when nobody reads our stdout or stderr any more. The calling
        terminal is raw meanwhile, where both sides are terminals, and its size is followed.
        """
        raw = Raw(streams.stdin if self.terminal and streams.terminal else -1)
        with raw, _Resizing(self, streams):
            return _Pump(self._socket, streams, self.terminal).run()

    def resize(self, rows: int, columns: int) -> None:
        try:
            resize(self.bundle, self.container, rows, columns)
        except WrongState:
            pass  # it ended meanwhile

    def close(self) -> None:
        self._socket.close()


class _Resizing:
    """Follows the size of the client's terminal while it is attached (SIGWINCH)."""

    def __init__(self, attached: SocketAttached, streams: Streams) -> None:
        self.attached = attached
        self.descriptor = streams.stdout if streams.terminal and attached.terminal else -1
        self._before: object = None

    def __enter__(self) -> None:
        if self.descriptor < 0:
            return
        import _signal  # the module signal makes enums of them, for 1.5 ms

        self._tell()
        try:
            self._before = _signal.signal(_signal.SIGWINCH, self._tell)
        except ValueError:
            pass  # not the main thread: the caller resizes

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import _signal

            _signal.signal(_signal.SIGWINCH, self._before)

    def _tell(self, *_: object) -> None:
        rows, columns = size(self.descriptor)
        if rows and columns:
            self.attached.resize(rows, columns)


class _Pump:
    """The loop. Output is written as it comes, blocking: a slow reader slows the container down,
    as any pipe does; nothing is lost. Input never blocks: the monitor may wait for us to read.
    """

    def __init__(self, connection: socket, streams: Streams, terminal: bool) -> None:
        self.socket = connection
        self.streams = streams
        self.detector = Detector(streams.detach_keys if terminal else b"")
        self.poll = select.poll()
        self._pending = b""  # input that the monitor has no room for yet
        self._ended = False  # our input is at its end
        self._reading = False
        self._want(reading=streams.stdin >= 0)

    def run(self) -> str:
        socket_fd = self.socket.fileno()
        while True:
            for descriptor, events in self.poll.poll():
                if descriptor != socket_fd:
                    if self._input():
                        return DETACHED
                    continue
                if events & select.POLLOUT:
                    self._send()
                if events & ~select.POLLOUT and not self._output():
                    return EXITED

    def _want(self, *, reading: bool) -> None:
        """Poll stdin, or, while there is input to be sent, the socket for room."""
        room = select.POLLOUT if self._pending else 0
        self.poll.register(self.socket.fileno(), select.POLLIN | room)
        if reading and not self._reading:
            self.poll.register(self.streams.stdin, select.POLLIN)
        elif self._reading and not reading:
            self.poll.unregister(self.streams.stdin)
        self._reading = reading

    def _output(self) -> bool:
        """Pass on one packet; False at the end."""
        try:
            packet = self.socket.recv(_PACKET)
        except ConnectionResetError:
            return False
        if not packet:
            return False
        if packet[0] == _STDERR and self.streams.stderr >= 0:
            _write(self.streams.stderr, memoryview(packet)[1:])
        elif packet[0] == _STDOUT and self.streams.stdout >= 0:
            _write(self.streams.stdout, memoryview(packet)[1:])
        return True

    def _input(self) -> bool:
        """Take what was typed; True when it was the detach keys."""
        try:
            data = os.read(self.streams.stdin, _INPUT)
        except OSError:
            data = b""  # a terminal that hung up
        detach = False
        if data:
            self._pending, detach = self.detector.feed(data)
        else:
            self._pending, self._ended = self.detector.rest(), True
        self._send()
        return detach

    def _send(self) -> None:
        try:
            if self._pending:
                self.socket.send(self._pending, MSG_NOSIGNAL | MSG_DONTWAIT)
            self._pending = b""
            if self._ended:
                self.socket.shutdown(SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:  # the monitor reads no more; its output may still come
            self._pending, self._ended = b"", True
        self._want(reading=not self._pending and not self._ended)


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # somebody made the shared terminal or pipe non-blocking
            waiting = select.poll()
            waiting.register(descriptor, select.POLLOUT)
            waiting.poll()
