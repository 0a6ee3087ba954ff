"""ttrpc: calls over a unix socket, as containerd and its shims make them (ttrpc PROTOCOL.md).

A frame is a header of ten bytes (length and stream, big-endian 32-bit numbers; type; flags) and
a protobuf message. Each call is a stream of its own with one request and one response, which
come in any order. Only unary calls are made: that is all that shims offer.
"""

from __future__ import annotations

import struct

# The C module: `socket` would import selectors and more to wrap it.
from _socket import AF_UNIX, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM, socket

from ...errors import Corrupt, RuntimeFailed
from . import protobuf
from .api import METHODS
from .protobuf import BYTES, STRING, VARINT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .protobuf import Message

_HEADER = struct.Struct(">IIBB")
REQUEST_FRAME, RESPONSE_FRAME = 1, 2
_LARGEST = 4 << 20
_READ = 65536

_PAIR: Message = {"key": (1, STRING), "value": (2, STRING)}
REQUEST: Message = {
    "service": (1, STRING),
    "method": (2, STRING),
    "payload": (3, BYTES),
    "timeout_nano": (4, VARINT),
    "metadata": (5, [_PAIR]),
}
STATUS: Message = {"code": (1, VARINT), "message": (2, STRING)}
RESPONSE: Message = {"status": (1, STATUS), "payload": (2, BYTES)}

NOT_FOUND, UNIMPLEMENTED = 5, 12
"""Codes of google.rpc.Code that are told apart."""


class Refused(RuntimeFailed):
    """The other side answered with an error; `code` is google.rpc.Code's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Gone(RuntimeFailed):
    """Nobody answers: the other side was killed, or never was there."""


def frame(stream: int, kind: int, data: bytes) -> bytes:
    """One frame."""
    return _HEADER.pack(len(data), stream, kind, 0) + data


class Frames:
    """Takes bytes as they come, and gives whole frames."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """(stream, type, data) of each frame that is complete. Raises Corrupt."""
        self._held += data
        found = []
        while len(self._held) >= _HEADER.size:
            length, stream, kind, _ = _HEADER.unpack_from(self._held)
            if length > _LARGEST:
                raise Corrupt(f"ttrpc: a message of {length} bytes")
            end = _HEADER.size + length
            if len(self._held) < end:
                break
            found.append((stream, kind, self._held[_HEADER.size : end]))
            self._held = self._held[end:]
        return found


class Client:
    """A connection to one service. The namespace goes with every request.

    methods: request and response of each.
    """

    def __init__(
        self,
        address: str,
        namespace: str,
        service: str,
        methods: Mapping[str, tuple[Message, Message]],
    ) -> None:
        self.namespace = namespace
        self.service = service
        self.methods = methods
        self.answers: dict[int, bytes] = {}
        self._methods: dict[int, str] = {}
        self._next = 1
        self._frames = Frames()
        self._socket = _connect(address)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, method: str, **values: Any) -> int:
        """Begin a call; its stream, which the answer will have. Raises Gone."""
        stream, self._next = self._next, self._next + 2
        request = {
            "service": self.service,
            "method": method,
            "payload": protobuf.encode(self.methods[method][0], values),
            "metadata": [{"key": "containerd-namespace-ttrpc", "value": self.namespace}],
        }
        data = frame(stream, REQUEST_FRAME, protobuf.encode(REQUEST, request))
        try:
            self._socket.sendall(data, MSG_NOSIGNAL)
        except OSError as error:
            raise Gone(f"the shim does not answer ({error.strerror})") from None
        self._methods[stream] = method
        return stream

    def receive(self) -> None:
        """Read what is there, or wait for it. Raises Gone when the other side has closed."""
        try:
            data = self._socket.recv(_READ)
        except TimeoutError:
            raise Gone("the shim does not answer in time") from None
        except OSError:
            data = b""
        if not data:
            raise Gone("the shim has ended")
        for stream, kind, content in self._frames.feed(data):
            if kind == RESPONSE_FRAME:
                self.answers[stream] = content

    def answer(self, stream: int) -> dict[str, Any]:
        """The response that came for a call. Raises Refused."""
        method = self._methods.pop(stream)
        response = protobuf.decode(RESPONSE, self.answers.pop(stream))
        status = response["status"]
        if status and status["code"]:
            raise Refused(status["code"], _words(status["message"]))
        return protobuf.decode(self.methods[method][1], response["payload"])

    def call(self, method: str, *, timeout: float | None = None, **values: Any) -> dict[str, Any]:
        """A call and its answer. Raises Refused, and Gone also after `timeout` seconds."""
        self._socket.settimeout(timeout)
        stream = self.send(method, **values)
        while stream not in self.answers:
            self.receive()
        return self.answer(stream)

    def wait_closed(self, timeout: float) -> None:
        """Wait until the other side closes, at most so many seconds."""
        self._socket.settimeout(timeout)
        try:
            while True:
                self.receive()
        except Gone:
            return

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tasks(address: str, namespace: str, version: int = 2) -> Client:
    """Connect to the service Task of a shim. version: of its API, 2 or 3. Raises Gone."""
    return Client(address, namespace, f"containerd.task.v{version}.Task", METHODS)


def _connect(address: str) -> socket:
    """Connect to `unix:///path`, a path, or an abstract name (`@...`, as old shims give)."""
    path = address.removeprefix("unix://")
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
    try:
        connection.connect(f"\0{path[1:]}" if path.startswith("@") else path)
    except OSError as error:
        connection.close()
        raise Gone(f"no shim answers at {address} ({error.strerror})") from None
    return connection


def _words(message: str) -> str:
    """Without the code's name that Go's errdefs puts at the end ("...: unknown")."""
    head, colon, last = message.rpartition(": ")
    return head if colon and last in _CODES else message


_CODES = frozenset(("unknown", "not found", "failed precondition", "invalid argument"))


def request(data: bytes) -> dict[str, Any]:
    """A request that came to us. Raises Corrupt."""
    return protobuf.decode(REQUEST, data)


def response(stream: int, code: int = 0, message: str = "") -> bytes:
    """The frame of an answer of ours, without a payload."""
    status = {"code": code, "message": message} if code else {}
    return frame(
        stream, RESPONSE_FRAME, protobuf.encode(RESPONSE, {"status": status, "payload": b""})
    )
