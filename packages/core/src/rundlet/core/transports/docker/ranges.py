"""A large blob over several connections, where one is slow (RFC 9110, 14: ranges).

It begins with one. When that has kept us waiting for most of a second and much is left, the
rest is asked for in pieces, a few at a time, and handed on in order. Where the network is
faster than we are, or the registry knows no ranges, it stays with one connection.
"""

from __future__ import annotations

import threading
import time

from ...errors import RundletError
from ...streams import RawStream
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .response import Response
    from .resuming import ResumingBlob

LARGE = 48 << 20
"""Bytes from which on a blob may be fetched in pieces."""
PIECE = 2 << 20
AT_ONCE = 4
"""So many pieces at a time: what is kept in memory of each blob that is under way."""
_LOOK = 1.0  # seconds until it is decided
_WAITING = 0.6  # the share of them that we have waited for the network
_READ = 1 << 18


class RangedBlob(RawStream):
    """A blob's bytes from `offset` on.

    one: the blob over one connection, also to fall back on: called with an offset.
    part: a request for the bytes from one offset to another; raises what a request raises.
    """

    def __init__(
        self,
        one: Callable[[int], ResumingBlob],
        part: Callable[[int, int], Response],
        size: int,
        offset: int,
    ) -> None:
        self._one, self._part, self._size = one, part, size
        self._offset = offset
        self._first: ResumingBlob | None = one(offset)
        self._until = size  # where the first connection's share ends
        self._began, self._waited, self._decided = time.monotonic(), 0.0, False
        self._pieces: _Pieces | None = None
        self._unread: memoryview = memoryview(b"")
        self._interrupted = False

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if self._first is not None:
            if self._offset < self._until or self._pieces is None:
                return self._from_first(min(size, self._until - self._offset) or size)
            self._first.close()
            self._first = None
        return self._from_pieces(size)

    def interrupt(self) -> None:
        """Make a `read` that waits in another thread end now, with an error."""
        self._interrupted = True
        if self._pieces is not None:
            self._pieces.stop()
        first = self._first
        if first is not None:
            first.interrupt()

    def close(self) -> None:
        if not self.closed:
            if self._pieces is not None:
                self._pieces.stop()
            if self._first is not None:
                self._first.close()
        super().close()

    def _from_first(self, size: int) -> bytes:
        assert self._first is not None
        start = time.monotonic()
        data = self._first.read(size)
        now = time.monotonic()
        self._waited += now - start
        self._offset += len(data)
        if not self._decided and now - self._began >= _LOOK:
            self._decided = True
            slow = self._waited > _WAITING * (now - self._began)
            if slow and self._size - self._offset > 2 * PIECE:
                self._until = self._offset + PIECE
                self._pieces = _Pieces(self._part, self._until, self._size)
        return data

    def _from_pieces(self, size: int) -> bytes:
        if not self._unread and self._offset < self._size:
            assert self._pieces is not None
            data = self._pieces.next()
            if data is None:  # no ranges here, or one broke: as if there had been none
                self._pieces.stop()
                self._first = self._one(self._offset)
                self._until = self._size
                if self._interrupted:
                    self._first.interrupt()
                return self._from_first(size)
            self._unread = memoryview(data)
        found = bytes(self._unread[:size])
        self._unread = self._unread[size:]
        self._offset += len(found)
        return found


class _Pieces:
    """The bytes from `start` to `end`, fetched by a few threads that stay a little ahead."""

    def __init__(self, part: Callable[[int, int], Response], start: int, end: int) -> None:
        self._part, self._end = part, end
        self._asked = self._given = start
        self._done: dict[int, bytearray] = {}
        self._open: set[Response] = set()
        self._failed = self._stopped = False
        self._changed = threading.Condition()
        for _ in range(AT_ONCE):
            threading.Thread(target=self._work, daemon=True).start()

    def next(self) -> bytearray | None:
        """The next piece; None when it cannot be had."""
        with self._changed:
            while self._given not in self._done and not self._failed and not self._stopped:
                self._changed.wait()
            data = self._done.pop(self._given, None)
            if data is not None:
                self._given += len(data)
                self._changed.notify_all()
            return data

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._done.clear()
            for response in self._open:
                try:
                    response.shutdown()
                except OSError:
                    continue  # it was just done
            self._changed.notify_all()

    def _work(self) -> None:
        while (piece := self._claim()) is not None:
            try:
                data = self._fetch(*piece)
            except (HTTPError, RundletError, OSError):
                data = bytearray()
            with self._changed:
                if len(data) == piece[1] - piece[0]:
                    self._done[piece[0]] = data
                else:
                    self._failed = True
                self._changed.notify_all()

    def _claim(self) -> tuple[int, int] | None:
        """The next piece to fetch, once there is room for it; None when there is no more to do."""
        with self._changed:
            while self._asked - self._given >= AT_ONCE * PIECE and not self._over():
                self._changed.wait()
            if self._over() or self._asked >= self._end:
                return None
            begin = self._asked
            self._asked = min(begin + PIECE, self._end)
            return begin, self._asked

    def _over(self) -> bool:
        return self._failed or self._stopped

    def _fetch(self, begin: int, end: int) -> bytearray:
        response = self._part(begin, end)
        with self._changed:
            if self._stopped:
                response.close()
                return bytearray()
            self._open.add(response)
        try:
            if response.status != 206:
                return bytearray()
            if not response.headers.get("Content-Range").startswith(f"bytes {begin}-{end - 1}/"):
                return bytearray()
            found, at = bytearray(end - begin), 0
            while at < len(found) and (data := response.read(min(_READ, len(found) - at))):
                found[at : at + len(data)] = data
                at += len(data)
            return found if at == len(found) else bytearray()
        finally:
            with self._changed:
                self._open.discard(response)
            response.close()
