"""HTTP/1.1 over one connection: a request out, a response in (RFC 9112), and little else.

Its own, because importing a library for it costs more than copying a small image: see "Imports
are work" in docs/architecture.md. What the other side sends is bounded and checked: the head in
size, the body by its length or its chunks.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping

_MOST_HEAD = 1 << 17
_MOST_LINE = 1 << 16
_RECEIVED = 1 << 16
_MOST_DRAINED = 1 << 16
_MOST_INTERIM = 100
_DOCUMENT = 10
_BODYLESS = (204, 304)
_WITH_BODY = ("POST", "PUT", "PATCH")


class HTTPError(Exception):
    """No answer, or one that is none. cause: the operating system's or TLS's error, if any."""

    def __init__(self, message: str, cause: OSError | None = None) -> None:
        super().__init__(message)
        self.cause = cause


class Headers:
    """A response's header fields; names are of any case."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def all(self, name: str) -> list[str]:
        """Every value of a field, in order."""
        wanted = name.lower()
        return [value for key, value in self._fields if key == wanted]

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        return next(iter(self.all(name)), default)

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))


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
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        names = {name.lower() for name in headers}
        whole = body if isinstance(body, bytes) else b""
        streamed = body is not None and not isinstance(body, bytes)
        chunked = streamed and "content-length" not in names
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif not streamed and "content-length" not in names and (whole or method in _WITH_BODY):
            lines.append(f"Content-Length: {len(whole)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise HTTPError(f"{method}: a line break in a header or an address")
        head = "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")
        self._put(head + whole)
        if body is None or isinstance(body, bytes):
            return
        for piece in body:
            if piece:
                self._put(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self._put(b"0\r\n\r\n")

    def _response(
        self, method: str, give_back: Callable[[Connection], None], *, last: bool = False
    ) -> Response:
        for _ in range(_MOST_INTERIM):
            version, status, headers = _head(self._take_head())
            if not 100 <= status < 200 or status == 101:
                break
        else:
            raise HTTPError("interim answers without end")
        framing = _framing(method, status, headers)
        keep = not last and framing != -1 and version != "HTTP/1.0"
        if "close" in headers.get("Connection").lower():
            keep = False
        if method == "CONNECT":
            keep = status == 200  # from here on it is another connection
        return Response(self, status, headers, framing, give_back if keep else None)

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


class Response:
    """A response whose body is still to be read, from `read`.

    length: of the body, -1 until the connection closes, None in chunks.
    """

    def __init__(
        self,
        connection: Connection,
        status: int,
        headers: Headers,
        length: int | None,
        give_back: Callable[[Connection], None] | None,
    ) -> None:
        self.status = status
        self.headers = headers
        self._connection = connection
        self._chunked = length is None
        self._left = length or 0
        self._give_back = give_back
        self._ended = False
        if length == 0:
            self._end()

    def read(self, most: int) -> bytes:
        """Some bytes, at most `most`; b"" at the end.

        Raises HTTPError, also when the body is shorter than it was to be.
        """
        if self._ended or most <= 0:
            return b""
        if self._chunked and not self._left and not self._next_chunk():
            return b""
        until_closed = self._left == -1
        data = self._connection.take(most if until_closed else min(most, self._left))
        if not data:
            if not until_closed:
                raise HTTPError("connection closed")
            self._end()
        elif not until_closed:
            self._left -= len(data)
            if not self._left:
                self._end() if not self._chunked else self._chunk_end()
        return data

    def read_all(self, most: int) -> bytes:
        """The body, or its first `most` bytes; the connection serves again after a whole one.

        A document that takes longer than the other side may be silent ten times has timed out.
        """
        parts = []
        until = time.monotonic() + _DOCUMENT * self._connection.patience
        while most > 0 and (data := self.read(min(most, 1 << 18))):
            if time.monotonic() > until:
                raise HTTPError("timed out", TimeoutError("a document that does not end"))
            parts.append(data)
            most -= len(data)
        if not self._ended:
            self.drain()
        return b"".join(parts)

    def _next_chunk(self) -> bool:
        size = self._connection.line().partition(b";")[0].strip()
        try:
            if not size or size[:1] in b"+-" or b"_" in size:
                raise ValueError
            self._left = int(size, 16)
        except ValueError:
            raise HTTPError("a chunk without a size") from None
        if self._left:
            return True
        for _ in range(1000):  # trailers, up to an empty line
            if not self._connection.line():
                self._end()
                return False
        raise HTTPError("too many trailers")

    def _chunk_end(self) -> None:
        if self._connection.line():
            raise HTTPError("a chunk that is longer than its size")

    def _end(self) -> None:
        self._ended = True
        if self._give_back is not None:
            self._give_back(self._connection)
        else:
            self._connection.close()

    def drain(self) -> None:
        """Done with it: what little is left is read, so that the connection serves again."""
        left = _MOST_DRAINED
        try:
            while not self._ended and left > 0:
                left -= len(self.read(left))
        except HTTPError:
            pass
        self.close()

    def shutdown(self) -> None:
        """Make a `read` that waits in another thread end now. Raises OSError when it is done."""
        if not self._ended:
            self._connection.shutdown()

    def close(self) -> None:
        """Done with it; the rest is not wanted."""
        if not self._ended:
            self._ended = True
            self._connection.close()


def _head(lines: list[str]) -> tuple[str, int, Headers]:
    """Version, status and fields of a response's head. Raises HTTPError."""
    first = lines.pop(0)
    version, _, rest = first.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdecimal()):
        raise HTTPError("what answers does not speak HTTP/1.1")
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and fields:  # obsolete, but known
            fields[-1] = fields[-1][0], f"{fields[-1][1]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip().lower(), value.strip()))
    return version, int(code), Headers(fields)


def _framing(method: str, status: int, headers: Headers) -> int | None:
    """The length of the body: RFC 9112, 6.3. Raises HTTPError."""
    if method == "HEAD" or status in _BODYLESS or (method == "CONNECT" and status == 200):
        return 0
    if "chunked" in headers.get("Transfer-Encoding").lower():
        return None
    lengths = set(headers.all("Content-Length"))
    if not lengths:
        return -1
    told = lengths.pop()
    if lengths or not (told.isascii() and told.isdecimal()) or len(told) > 19:
        raise HTTPError("the answer contradicts itself about its length")
    return int(told)
