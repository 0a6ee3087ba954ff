"""Reading an image from a registry."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from ...contracts.transport import ImageSource, ManifestBytes
from ...errors import Corrupt, NoSuchImage, NotFound, RegistryError
from ...images.manifest import ACCEPTED, LARGEST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    import urllib3

    from ...contracts.transport import Location
    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from .client import Client

_RESUMES = 5


class DockerSource(ImageSource):
    """An image of a repository."""

    def __init__(self, location: Location, reference: Reference, client: Client) -> None:
        self.location = location
        self._reference = reference
        self._client = client
        self._scope = f"repository:{reference.path}:pull"

    def manifest(self, digest: str = "") -> ManifestBytes:
        wanted = digest or self._reference.digest or self._reference.tag
        try:
            response = self._client.request(
                "GET",
                f"{self._reference.path}/manifests/{wanted}",
                scope=self._scope,
                headers={"Accept": ", ".join(ACCEPTED)},
            )
        except NotFound as error:
            raise _unknown(self._reference, error) from None
        data = response.read(LARGEST + 1) or b""
        response.release_conn()
        if len(data) > LARGEST:
            raise Corrupt(f"{self._reference}: manifest is larger than {LARGEST} bytes")
        return ManifestBytes(data, response.headers.get("Content-Type", ""))

    def blob(self, descriptor: Descriptor, offset: int = 0) -> BinaryIO:
        raw = _Resuming(self, descriptor, offset)
        return io.BufferedReader(raw, 1 << 18)

    def open_blob(self, descriptor: Descriptor, offset: int) -> urllib3.BaseHTTPResponse:
        """One GET of a blob, from `offset` on."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = self._client.request(
            "GET",
            f"{self._reference.path}/blobs/{descriptor.digest}",
            scope=self._scope,
            headers=headers,
            expect=(200, 206),
        )
        if offset and response.status == 200:  # ranges are not honoured: skip what we have
            left = offset
            while left:
                piece = response.read(min(left, 1 << 20))
                if not piece:
                    break
                left -= len(piece)
        return response

    def tags(self) -> Sequence[str]:
        from .transport import list_tags

        return list_tags(self._client, self._reference)

    def close(self) -> None:
        self._client.close()


class _Resuming(io.RawIOBase):
    """A blob's bytes; a broken connection is taken up again where it broke."""

    def __init__(self, source: DockerSource, descriptor: Descriptor, offset: int) -> None:
        self._source = source
        self._descriptor = descriptor
        self._offset = offset
        self._resumes = 0
        self._response = source.open_blob(descriptor, offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while True:
            try:
                data = self._response.read(len(buffer)) or b""
            except HTTPError as error:
                self._resume(error)
                continue
            if not data and 0 <= self._offset < self._descriptor.size:
                self._resume(None)
                continue
            buffer[: len(data)] = data
            self._offset += len(data)
            return len(data)

    def _resume(self, error: HTTPError | None) -> None:
        self._response.close()
        self._resumes += 1
        if self._resumes > _RESUMES:
            raise RegistryError(
                f"{self._source.location}: blob {self._descriptor.digest} broke off at byte"
                f" {self._offset} again: {error or 'connection closed'}"
            )
        self._response = self._source.open_blob(self._descriptor, self._offset)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()


def _unknown(reference: Reference, error: NotFound) -> NoSuchImage:
    found = NoSuchImage(str(reference))
    found.args = (
        f"reading manifest {reference.tag or reference.digest} in {reference.repository}:"
        f" manifest unknown",
    )
    found.message = str(found.args[0])
    return found
