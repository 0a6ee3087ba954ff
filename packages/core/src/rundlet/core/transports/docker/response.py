"""A response of HTTP/1.1: its head, and a body that is read by its length or its chunks.

RFC 9112.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .wire import Connection

_MOST_DRAINED = 1 << 16
_DOCUMENT = 10
_BODYLESS = (204, 304)


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


def head(lines: list[str]) -> tuple[str, int, Headers]:
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


def framing(method: str, status: int, headers: Headers) -> int | None:
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
