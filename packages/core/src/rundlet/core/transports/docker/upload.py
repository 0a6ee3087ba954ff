"""One blob on its way into a registry (distribution-spec, "Pushing blobs").

A blob whose digest is known goes in one request (POST, then PUT with its bytes), which saves
the registry from reading it again to check it. Any other is streamed by a PATCH, or, where the
transport option `upload_chunk` says so, in pieces: a piece that broke off is sent again from
where the registry says it is.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode, urljoin

from ...errors import NotFound, RegistryError
from . import failures
from .client import COMMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...content.verify import Verified
    from ...contracts.transport import TransportSettings
    from ...images.descriptor import Descriptor
    from .client import Client
    from .response import Response

_PIECE = 1 << 18
_SMALL = 1 << 20
_BYTES = {"Content-Type": "application/octet-stream"}


class Upload:
    """An upload session in a repository. path: of the repository. what: names it in errors."""

    def __init__(
        self, client: Client, path: str, scope: str, settings: TransportSettings, what: str
    ) -> None:
        self._client = client
        self._scope = scope
        self._what = what
        self._settings = settings
        self._chunk = int(settings.options.get("upload_chunk", 0))
        self._session = ""
        self._begin(path)

    def send(self, descriptor: Descriptor, checked: Verified) -> Descriptor:
        """Send all bytes, and let the registry check them; the descriptor as found."""
        try:
            if descriptor.digest and 0 <= descriptor.size <= _SMALL:
                data = checked.read()
                self._finish(checked.finish(), data)
                return checked.descriptor
            if descriptor.digest and descriptor.size >= 0 and not self._chunk:
                self._whole(descriptor, checked)
                return checked.finish()
            if self._chunk:
                self._pieces(checked)
            else:
                self._stream(descriptor, checked)
            self._finish(checked.finish(), b"")
        except BaseException:
            self.cancel()
            raise
        return checked.descriptor

    def cancel(self) -> None:
        """Let the registry forget the upload; it does so by itself some day."""
        try:
            self._client.send("DELETE", self._session, b"", scope=self._scope, headers={})
        except (RegistryError, NotFound):
            pass

    def _begin(self, path: str) -> None:
        response = self._client.request(
            "POST",
            f"{path}/blobs/uploads/",
            scope=self._scope,
            headers={"Content-Length": "0"},
            expect=(202,),
        )
        response.drain()
        self._session = self._client.url("")
        self._go_on(response)
        if self._chunk:
            least = response.headers.get("OCI-Chunk-Min-Length", "")
            self._chunk = max(self._chunk, int(least) if least.isdecimal() else 0)

    def _go_on(self, response: Response) -> None:
        """Take the address of the next request."""
        where = response.headers.get("Location", "")
        if not where:
            raise RegistryError(f"{self._what}: the registry does not say where to upload to")
        self._session = urljoin(self._session, where)

    # --- all at once

    def _whole(self, descriptor: Descriptor, checked: Verified) -> None:
        response = self._client.send(
            "PUT",
            self._end(descriptor.digest),
            _parts(checked),
            scope=self._scope,
            headers={**_BYTES, "Content-Length": str(descriptor.size)},
        )
        self._check(response, (201, 204))

    def _stream(self, descriptor: Descriptor, checked: Verified) -> None:
        headers = dict(_BYTES)
        if descriptor.size >= 0:
            headers["Content-Length"] = str(descriptor.size)
            if descriptor.size:
                headers["Content-Range"] = f"0-{descriptor.size - 1}"
        response = self._client.send(
            "PATCH", self._session, _parts(checked), scope=self._scope, headers=headers
        )
        self._check(response)
        self._go_on(response)

    def _check(self, response: Response, taken: tuple[int, ...] = (202, 204)) -> None:
        """Raise for bytes that were not taken."""
        if response.status in taken:
            response.drain()
            return
        if response.status >= 500 or response.status in (408, 429):
            response.drain()
            raise failures.BrokeOff(f"{self._what}: the upload broke off: {response.status}")
        raise failures.answered(self._client.endpoint.host, "uploading a blob", response)

    # --- in pieces

    def _pieces(self, checked: Verified) -> None:
        at = 0
        while data := checked.read(self._chunk):
            self._piece(data, at)
            at += len(data)

    def _piece(self, data: bytes, start: int) -> None:
        """Send one piece, again from where it broke off."""
        at, end = start, start + len(data)
        wait = self._client.retry_delay
        for attempt in range(self._client.retries, -1, -1):
            headers = {
                **_BYTES,
                "Content-Length": str(end - at),
                "Content-Range": f"{at}-{end - 1}",
            }
            try:
                response = self._client.send(
                    "PATCH", self._session, data[at - start :], scope=self._scope, headers=headers
                )
                if response.status == 416 and attempt:
                    response.drain()
                else:
                    self._check(response)
                    self._go_on(response)
                    return
            except failures.BrokeOff:
                if not attempt:
                    raise
                time.sleep(wait)
                wait *= 2
            at = self._received()
            if not start <= at <= end:
                raise failures.BrokeOff(f"{self._what}: the registry lost {start - at} bytes")
            if at == end:
                return

    def _received(self) -> int:
        """How many bytes the registry has: its `Range: 0-N`, where 0-0 is none."""
        response = self._client.request("GET", self._session, scope=self._scope, expect=(204,))
        response.drain()
        self._go_on(response)
        last = response.headers.get("Range", "").rpartition("-")[2]
        if not last.isdecimal():
            raise failures.BrokeOff(f"{self._what}: the registry does not say what it has")
        return int(last) + 1 if int(last) else 0

    # --- the end

    def _finish(self, found: Descriptor, data: bytes) -> None:
        response = self._client.request(
            "PUT",
            self._end(found.digest),
            scope=self._scope,
            headers={**_BYTES, "Content-Length": str(len(data))},
            body=data,
            expect=(201, 204),
            timeout=COMMIT,
        )
        response.drain()

    def _end(self, digest: str) -> str:
        """The address of the last request."""
        separator = "&" if "?" in self._session else "?"
        return f"{self._session}{separator}{urlencode({'digest': digest})}"


def _parts(stream: Verified) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece
