"""A blob that is read through broken connections (RFC 9110, 14: ranges)."""

from __future__ import annotations

from ...errors import Corrupt, NotFound, RegistryError, RundletError, TimedOut
from ...streams import RawStream
from . import failures
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from .client import Client
    from .response import Response

_RESUMES = 5
_PROGRESS = 1 << 20
"""How often a blob is taken up again without this many bytes between: a long download over a bad
line goes on, a registry that gives a byte at a time does not."""
_STALLS = 2
"""How often in a row a blob may say nothing for a whole time-out."""


class ResumingBlob(RawStream):
    """A blob's bytes; a broken connection is taken up again where it broke.

    places: where it is, best first. One that breaks off is asked again after the others: the
    bytes of a digest are the same everywhere. end: where to stop, which takes a registry
    that honours ranges, or -1 for the blob's end.
    """

    def __init__(
        self,
        places: Sequence[tuple[Reference, Client]],
        descriptor: Descriptor,
        offset: int,
        end: int = -1,
    ) -> None:
        self._places = list(places)
        self._descriptor = descriptor
        self._offset = offset
        self._end = end
        self._resumes = self._stalls = 0
        self._broke_at = offset
        self._interrupted = False
        self._response = self._open()

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if self._end >= 0:
            size = min(size, self._end - self._offset)
        while True:
            try:
                data = self._response.read(size)
            except HTTPError as error:
                self._resume(error)
                continue
            if not data and size and 0 <= self._offset < self._descriptor.size:
                self._resume(None)
                continue
            self._offset += len(data)
            return data

    def interrupt(self) -> None:
        """Make a `read` that waits in another thread end now, with an error."""
        self._interrupted = True
        try:
            self._response.shutdown()
        except OSError:
            pass  # it was just done

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()

    def _open(self) -> Response:
        """One GET from where we are on, at the first place that answers.

        Raises what the first one raised when none does: NotFound, RegistryError, TimedOut.
        """
        failure: RundletError | None = None
        for _ in self._places:
            try:
                return self._open_at(*self._places[0])
            except (NotFound, RegistryError, TimedOut) as error:
                failure = failure or error
                self._next_place()
        assert failure is not None
        raise failure

    def _next_place(self) -> None:
        self._places.append(self._places.pop(0))

    def _open_at(self, reference: Reference, client: Client) -> Response:
        offset, last = self._offset, self._end - 1 if self._end >= 0 else ""
        response = client.request(
            "GET",
            f"{reference.path}/blobs/{self._descriptor.digest}",
            scope=f"repository:{reference.path}:pull",
            headers={"Range": f"bytes={offset}-{last}"} if offset or last else {},
            expect=(200, 206),
        )
        if offset and response.status == 206:
            begins = response.headers.get("Content-Range", "").removeprefix("bytes ")
            if not begins.startswith(f"{offset}-"):
                response.close()
                raise Corrupt(
                    f"{reference}: asked for bytes from {offset}, got {begins or 'others'}"
                )
        elif self._end >= 0 and response.status == 200:
            response.close()
            raise RegistryError(f"{reference}: the registry gives no parts of blobs")
        elif offset and response.status == 200:  # ranges are not honoured: skip what we have
            _skip(response, offset)
        return response

    def _resume(self, error: BaseException | None) -> None:
        self._response.close()
        why = failures.reason(error) if error is not None else "connection closed"
        text = (
            f"{self._places[0][0]}: blob {self._descriptor.digest} broke off at byte {self._offset}"
            f" of {self._descriptor.size}: {why}"
        )
        if self._interrupted:
            raise RegistryError(text)
        gained = self._offset - self._broke_at
        self._resumes = 1 if gained >= _PROGRESS else self._resumes + 1
        self._stalls = self._stalls + 1 if failures.is_timeout(error) and not gained else 0
        self._broke_at = self._offset
        if self._stalls >= _STALLS:
            raise TimedOut(text)
        if self._resumes > _RESUMES:
            raise failures.BrokeOff(text)
        if not gained:
            self._next_place()
        try:
            self._response = self._open()
        except HTTPError as again:
            raise failures.BrokeOff(f"{text}; {failures.reason(again)}") from None


def _skip(response: Response, count: int) -> None:
    while count > 0:
        piece = response.read(min(count, 1 << 18))
        if not piece:
            return
        count -= len(piece)
