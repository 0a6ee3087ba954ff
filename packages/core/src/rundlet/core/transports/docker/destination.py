"""Writing an image to a registry."""

from __future__ import annotations

import hashlib
import io
import tempfile
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

from ...contracts.transport import ImageDestination
from ...errors import DigestMismatch, NotFound, RegistryError
from ...images.descriptor import Descriptor
from ...images.manifest import ACCEPTED

if TYPE_CHECKING:
    from typing import BinaryIO

    from ...contracts.transport import Location, ManifestBytes, TransportSettings
    from ...images.reference import Reference
    from .client import Client

_IN_MEMORY = 4 << 20


class DockerDestination(ImageDestination):
    """A repository and tag to push to."""

    accepts = ACCEPTED
    compress = "gzip"

    def __init__(
        self,
        location: Location,
        reference: Reference,
        client: Client,
        settings: TransportSettings,
    ) -> None:
        self.location = location
        self._reference = reference
        self._client = client
        self._settings = settings
        self._scope = f"repository:{reference.path}:pull,push"

    def has_blob(self, descriptor: Descriptor) -> bool:
        path = f"{self._reference.path}/blobs/{descriptor.digest}"
        try:
            response = self._client.request("HEAD", path, scope=self._scope)
        except NotFound:
            return self._mount(descriptor)
        response.release_conn()
        return True

    def _mount(self, descriptor: Descriptor) -> bool:
        """Ask the registry to link the blob from a repository of its own, if one is known."""
        known = self._settings.options.get("blob_locations", {}).get(descriptor.digest, ())
        for repository in known:
            host, _, path = repository.partition("/")
            if host != self._reference.host or path == self._reference.path:
                continue
            query = urlencode({"mount": descriptor.digest, "from": path})
            response = self._client.request(
                "POST",
                f"{self._reference.path}/blobs/uploads/?{query}",
                scope=f"{self._scope} repository:{path}:pull",
                headers={"Content-Length": "0"},
                expect=(201, 202),
            )
            response.release_conn()
            if response.status == 201:
                return True
            self._cancel(response.headers.get("Location", ""))
        return False

    def _cancel(self, location: str) -> None:
        try:
            url = urljoin(self._client.base, location)
            self._client.request(
                "DELETE", url, scope=self._scope, expect=(200, 202, 204)
            ).release_conn()
        except (RegistryError, NotFound):
            pass  # the registry forgets unfinished uploads by itself

    def put_blob(self, descriptor: Descriptor, stream: BinaryIO) -> Descriptor:
        if descriptor.digest and descriptor.size >= 0:
            self._upload(descriptor, stream)
            return descriptor
        return self._spool(descriptor, stream)

    def _spool(self, descriptor: Descriptor, stream: BinaryIO) -> Descriptor:
        """A blob whose digest is not known yet: written to a file first, then sent."""
        directory = str(self._settings.temporary) if self._settings.temporary else None
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=directory) as file:
            sha256, size = hashlib.sha256(), 0
            while piece := stream.read(1 << 20):
                sha256.update(piece)
                size += len(piece)
                file.write(piece)
            found = "sha256:" + sha256.hexdigest()
            if descriptor.digest and descriptor.digest != found:
                raise DigestMismatch("blob to push", descriptor.digest, found)
            done = descriptor.replace(digest=found, size=size)
            file.seek(0)
            if not self.has_blob(done):
                self._upload(done, file)  # type: ignore[arg-type]
            return done

    def _upload(self, descriptor: Descriptor, stream: BinaryIO) -> None:
        """POST, then one PUT with all the bytes (distribution-spec, monolithic upload)."""
        response = self._client.request(
            "POST",
            f"{self._reference.path}/blobs/uploads/",
            scope=self._scope,
            headers={"Content-Length": "0"},
            expect=(202,),
        )
        location = urljoin(self._client.base, response.headers.get("Location", ""))
        response.release_conn()
        separator = "&" if "?" in location else "?"
        response = self._client.request(
            "PUT",
            f"{location}{separator}{urlencode({'digest': descriptor.digest})}",
            scope=self._scope,
            headers={
                "Content-Length": str(descriptor.size),
                "Content-Type": "application/octet-stream",
            },
            body=_body(stream, descriptor.size),
            expect=(201,),
        )
        response.release_conn()

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        where = digest or self._reference.tag
        if not where:
            where = "sha256:" + hashlib.sha256(manifest.data).hexdigest()
        response = self._client.request(
            "PUT",
            f"{self._reference.path}/manifests/{where}",
            scope=self._scope,
            headers={"Content-Type": manifest.media_type},
            body=manifest.data,
            expect=(200, 201, 202),
        )
        response.release_conn()

    def commit(self) -> None:
        return None  # the tag was set with the manifest, which the registry does atomically

    def close(self) -> None:
        self._client.close()


def _body(stream: BinaryIO, size: int) -> BinaryIO | bytes:
    """What to send: small blobs as bytes, so that an empty one has a body too."""
    return stream.read() if size <= 1 << 16 else _Plain(stream)  # type: ignore[return-value]


class _Plain(io.RawIOBase):
    """A stream as http.client wants it: big pieces, and seek(0) only where it can."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._started = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._started = True
        return self._stream.read(1 << 20 if size < 0 or size < 1 << 20 else size)

    def seek(self, offset: int, whence: int = 0) -> int:
        if self._started:
            if not self._stream.seekable():
                raise RegistryError("the upload broke off and cannot be repeated")
            self._started = False
            return self._stream.seek(offset, whence)
        return 0
