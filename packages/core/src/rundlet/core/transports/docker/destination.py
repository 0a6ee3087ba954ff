"""Writing an image to a registry."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

from ...content.verify import Verified
from ...contracts.transport import ImageDestination
from ...errors import InvalidArgument, NotFound, RegistryError
from ...images.manifest import ACCEPTED
from . import failures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ...contracts.transport import Location, ManifestBytes, TransportSettings
    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from .client import Client

_PIECE = 1 << 18


class DockerDestination(ImageDestination):
    """A repository, and a tag in it, to push to.

    A registry shows a tag as soon as it has the top manifest: that is sent by `commit`.
    """

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
        self._known = settings.options.get("blob_locations", {})
        self._scope = f"repository:{reference.path}:pull,push"
        self._top: ManifestBytes | None = None

    def has_blob(self, descriptor: Descriptor) -> bool:
        if not descriptor.digest:
            return False
        path = f"{self._reference.path}/blobs/{descriptor.digest}"
        try:
            self._client.request("HEAD", path, scope=self._scope).release_conn()
        except NotFound:
            return self._mount(descriptor)
        return True

    def _mount(self, descriptor: Descriptor) -> bool:
        """Ask the registry to link the blob from a repository of its own that has it."""
        for repository in self._known.get(descriptor.digest, ()):
            host, _, path = repository.partition("/")
            if host != self._reference.host or path == self._reference.path:
                continue
            query = urlencode({"mount": descriptor.digest, "from": path})
            try:
                response = self._client.request(
                    "POST",
                    f"{self._reference.path}/blobs/uploads/?{query}",
                    scope=f"{self._scope} repository:{path}:pull",
                    headers={"Content-Length": "0"},
                    expect=(201, 202),
                )
            except (NotFound, RegistryError):
                return False  # not allowed to read there, or gone: it is uploaded then
            response.release_conn()
            if response.status == 201:
                return True
            self._cancel(response.headers.get("Location", ""))
        return False

    def put_blob(self, descriptor: Descriptor, stream: BinaryIO) -> Descriptor:
        checked = Verified(stream, descriptor, f"blob for {self.location}")
        session = self._begin()
        try:
            session = self._stream(session, descriptor, checked)
            found = checked.finish()
            self._finish(session, found)
        except BaseException:
            self._cancel(session)
            raise
        return found

    def _begin(self) -> str:
        """Open an upload session; its URL."""
        response = self._client.request(
            "POST",
            f"{self._reference.path}/blobs/uploads/",
            scope=self._scope,
            headers={"Content-Length": "0"},
            expect=(202,),
        )
        response.release_conn()
        return self._location(self._client.url(""), response.headers.get("Location", ""))

    def _stream(self, session: str, descriptor: Descriptor, checked: Verified) -> str:
        """Send all bytes in one PATCH, of unknown length if need be; where to go on."""
        headers = {"Content-Type": "application/octet-stream"}
        if descriptor.size >= 0:
            headers["Content-Length"] = str(descriptor.size)
            if descriptor.size:
                headers["Content-Range"] = f"0-{descriptor.size - 1}"
        response = self._client.send(
            "PATCH", session, _pieces(checked), scope=self._scope, headers=headers
        )
        if response.status not in (202, 204):
            if response.status >= 500 or response.status in (408, 429):
                text = f"{self.location}: the upload of a blob broke off: {response.status}"
                response.drain_conn()
                raise failures.BrokeOff(text)
            raise failures.answered(self._client.endpoint.host, "uploading a blob", response)
        response.drain_conn()
        return self._location(session, response.headers.get("Location", ""))

    def _finish(self, session: str, found: Descriptor) -> None:
        separator = "&" if "?" in session else "?"
        response = self._client.send(
            "PUT",
            f"{session}{separator}{urlencode({'digest': found.digest})}",
            b"",
            scope=self._scope,
            headers={"Content-Length": "0"},
        )
        if response.status not in (201, 204):
            raise failures.answered(self._client.endpoint.host, "finishing a blob", response)
        response.drain_conn()

    def _cancel(self, session: str) -> None:
        """Let the registry forget an upload; it does so by itself some day."""
        if not session:
            return
        try:
            url = urljoin(self._client.url(""), session)
            self._client.send("DELETE", url, b"", scope=self._scope, headers={}).drain_conn()
        except (RegistryError, NotFound):
            pass

    def _location(self, base: str, header: str) -> str:
        if not header:
            raise RegistryError(f"{self.location}: the registry does not say where to upload to")
        return urljoin(base, header)

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        own = "sha256:" + hashlib.sha256(manifest.data).hexdigest()
        wanted = digest or self._reference.digest
        if wanted.startswith("sha256:") and wanted != own:
            raise InvalidArgument(
                f"{self.location}: the manifest to be written has digest {own}",
                remedy="Push to a tag.",
            )
        if digest:
            self._send_manifest(manifest, own, digest)
        else:
            self._top = manifest

    def commit(self) -> None:
        if self._top is None:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        own = "sha256:" + hashlib.sha256(self._top.data).hexdigest()
        self._send_manifest(self._top, own, self._reference.tag or own)

    def _send_manifest(self, manifest: ManifestBytes, own: str, where: str) -> None:
        response = self._client.request(
            "PUT",
            f"{self._reference.path}/manifests/{where}",
            scope=self._scope,
            headers={"Content-Type": manifest.media_type},
            body=manifest.data,
            expect=(200, 201, 202),
        )
        response.drain_conn()
        told = response.headers.get("Docker-Content-Digest", own)
        if told.startswith("sha256:") and told != own:
            raise RegistryError(f"{self.location}: the registry changed the manifest to {told}")

    def close(self) -> None:
        self._client.close()


def _pieces(stream: BinaryIO | Verified) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece
