"""Events of shims: a ttrpc server of the one service that they call (containerd's events)."""

from __future__ import annotations

import os
from _socket import AF_UNIX, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM, socket

from ...errors import Corrupt
from ...runtimes.shim import protobuf, ttrpc
from ...runtimes.shim.api import EVENTS, EXIT_EVENT, FORWARD, OOM_EVENT
from ...runtimes.shim.home import Home
from .loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .loop import Loop

_READ = 65536
_OOM = "/tasks/oom"
_EXIT = "/tasks/exit"


class Events:
    """Listens in a home. A shim that is shared tells of its other containers here, too: what
    they must know is marked in their homes.
    """

    def __init__(self, loop: Loop, root: str, home: Home) -> None:
        self.loop = loop
        self.root = root
        self._directory = os.open(home.path, os.O_PATH | os.O_CLOEXEC)
        self._listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
        self._listener.bind(f"/proc/self/fd/{self._directory}/events")
        self._listener.listen(16)
        loop.watch(self._listener.fileno(), READ, self._accept)

    @property
    def address(self) -> str:
        """What a shim connects to: short, whatever the path of the home (sun_path has 108)."""
        return f"/proc/{os.getpid()}/fd/{self._directory}/events"

    def _accept(self, _: int) -> None:
        descriptor, _address = self._listener._accept()  # type: ignore[attr-defined]  # _socket's own
        os.set_inheritable(descriptor, False)
        connection = socket(fileno=descriptor)
        frames = ttrpc.Frames()
        self.loop.watch(descriptor, READ, lambda _: self._serve(connection, frames))

    def _serve(self, connection: socket, frames: ttrpc.Frames) -> None:
        try:
            data = connection.recv(_READ)
            requests = frames.feed(data)
            for stream, kind, content in requests:
                if kind == ttrpc.REQUEST_FRAME:
                    connection.sendall(self._answer(stream, content), MSG_NOSIGNAL)
        except (OSError, Corrupt):
            data = b""
        if not data:
            self.loop.forget(connection.fileno())
            connection.close()

    def _answer(self, stream: int, content: bytes) -> bytes:
        request = ttrpc.request(content)
        if (request["service"], request["method"]) != (EVENTS, "Forward"):
            return ttrpc.response(stream, ttrpc.UNIMPLEMENTED, f"no method {request['method']}")
        envelope = protobuf.decode(FORWARD, request["payload"])["envelope"]
        if envelope:
            self._take(envelope["topic"], envelope["event"].get("value", b""))
        return ttrpc.response(stream)

    def _take(self, topic: str, event: bytes) -> None:
        if topic == _EXIT:
            found = protobuf.decode(EXIT_EVENT, event)
            if found["id"] == found["container_id"]:
                self._mark(found["container_id"], "exited")
        elif topic == _OOM:
            self._mark(protobuf.decode(OOM_EVENT, event)["container_id"], "oom")

    def _mark(self, container: str, name: str) -> None:
        if not container or "/" in container or container in (".", ".."):
            return
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
            os.close(os.open(f"{Home(self.root, container).path}/{name}", flags, 0o600))
        except FileNotFoundError:
            return  # a container that was removed meanwhile
