"""HTTP/1.1 over one connection: a request out, a response in (RFC 9112), and little else.

Its own, because importing a library for it costs more than copying a small image: see "Imports
are work" in docs/architecture.md. What the other side sends is bounded and checked: the head in
size here, the body by its length or its chunks (response.py).
"""

from __future__ import annotations

import time

from .response import HTTPError, Response, framing, head

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MOST_HEAD = 1 << 17
_MOST_LINE = 1 << 16
_RECEIVED = 1 << 16
_MOST_INTERIM = 100
_WITH_BODY = ("POST", "PUT", "PATCH")


class Connection:
    """A connected socket, and the bytes that came before they were asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._ahead = b""
        self.patience = 0.0

    def limit(self, seconds: float) -> None:
        """How long to wait for the other side at most, each time, and for a whole head."""
        self._socket.settimeout(seconds)
        self.patience = seconds

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
        give_back: Callable[[Connection], None],
    ) -> Response:
        """Send a request and read the head of its response. Raises HTTPError.

        target: of the request line. headers: with Host. body: an iterable is sent as it
        comes, in chunks unless there is a Content-Length. give_back: told when the body was
        read to its end and another request may follow.
        """
        try:
            self._send(method, target, headers, body)
        except HTTPError as error:
            # A server that refuses a body answers before it has all of it.
            if isinstance(error.cause, (BrokenPipeError, ConnectionResetError)):
                try:
                    return self._response(method, give_back, last=True)
                except HTTPError:
                    pass
            raise
        return self._response(method, give_back)

    def _send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
    ) -> None:
        sized = any(name.lower() == "content-length" for name in headers)
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        if body is None or isinstance(body, bytes):
            if not sized and (body or method in _WITH_BODY):
                lines.append(f"Content-Length: {len(body or b'')}")
            self._put(_head(method, lines) + (body or b""))
            return
        chunked = not sized
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        self._put(_head(method, lines))
        for piece in body:
            if piece:
                self._put(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self._put(b"0\r\n\r\n")

    def _response(
        self, method: str, give_back: Callable[[Connection], None], *, last: bool = False
    ) -> Response:
        for _ in range(_MOST_INTERIM):
            version, status, headers = head(self._take_head())
            if not 100 <= status < 200 or status == 101:
                break
        else:
            raise HTTPError("interim answers without end")
        length = framing(method, status, headers)
        keep = not last and length != -1 and version != "HTTP/1.0"
        if "close" in headers.get("Connection").lower():
            keep = False
        if method == "CONNECT":
            keep = status == 200  # from here on it is another connection
        return Response(self, status, headers, length, give_back if keep else None)

    # --- bytes

    def _put(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise HTTPError("sending", error) from None

    def take(self, most: int) -> bytes:
        """Some bytes, at most `most`; b"" when the other side has closed. Raises HTTPError."""
        if self._ahead:
            data, self._ahead = self._ahead[:most], self._ahead[most:]
            return data
        try:
            return self._socket.recv(most)
        except OSError as error:
            raise HTTPError("receiving", error) from None
        except ValueError as error:  # TLS that was shut down meanwhile
            raise HTTPError(str(error)) from None

    def line(self) -> bytes:
        """A line without its end. Raises HTTPError."""
        return self._until(b"\n", _MOST_LINE).rstrip(b"\r\n")

    def _take_head(self) -> list[str]:
        lines: list[str] = []
        size = 0
        until = time.monotonic() + self.patience
        while True:
            if time.monotonic() > until:
                raise HTTPError("timed out", TimeoutError("a head that does not end"))
            line = self._until(b"\n", _MOST_HEAD - size)
            size += len(line)
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if text:
                lines.append(text)
            elif lines:  # RFC 9112, 2.2: there may be empty ones before
                return lines

    def _until(self, mark: bytes, most: int) -> bytes:
        until = time.monotonic() + self.patience
        while (end := self._ahead.find(mark)) < 0:
            if len(self._ahead) > most:
                raise HTTPError("the answer's head is too long")
            if time.monotonic() > until:
                raise HTTPError("timed out", TimeoutError("a line that does not end"))
            ahead, self._ahead = self._ahead, b""
            more = self.take(_RECEIVED)
            if not more:
                raise HTTPError("connection closed")
            self._ahead = ahead + more
        if end > most:
            raise HTTPError("the answer's head is too long")
        found, self._ahead = self._ahead[: end + 1], self._ahead[end + 1 :]
        return found

    @property
    def stale(self) -> bool:
        """Whether the other side has closed meanwhile, or said what nobody asked for."""
        from select import POLLIN, poll

        watch = poll()
        watch.register(self._socket, POLLIN)
        return bool(self._ahead or watch.poll(0))

    def shutdown(self) -> None:
        """Make whoever waits in another thread end now."""
        from socket import SHUT_RDWR, socket

        socket.shutdown(self._socket, SHUT_RDWR)  # TLS's own would change what is being read

    def close(self) -> None:
        self._socket.close()


def _head(method: str, lines: Sequence[str]) -> bytes:
    """The head of a request. Raises HTTPError for what would be taken for more lines."""
    if any("\r" in line or "\n" in line for line in lines):
        raise HTTPError(f"{method}: a line break in a header or an address")
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")
