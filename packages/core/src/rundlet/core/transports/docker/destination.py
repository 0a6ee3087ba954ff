"""Writing an image to a registry."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin

from ...content.locations import KnownLocations
from ...content.verify import verified
from ...contracts.transport import ImageDestination
from ...errors import InvalidArgument, NotFound, RegistryError
from ...images.descriptor import Descriptor
from ...images.manifest import ACCEPTED, DOCKER_SCHEMA1
from ...images.schema1 import manifest_digest
from . import referrers
from .upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...contracts.transport import Location, ManifestBytes, TransportSettings
    from ...images.reference import Reference
    from ...streams import ReadableFile
    from .client import Client
    from .signatures import Signatures


class DockerDestination(ImageDestination):
    """A repository, and a tag in it, to push to.

    A registry shows a tag as soon as it has the top manifest: that is sent by `commit`.
    """

    accepts = (*ACCEPTED, DOCKER_SCHEMA1)
    compress = "gzip"

    def __init__(
        self,
        location: Location,
        reference: Reference,
        client: Client,
        settings: TransportSettings,
        signatures: Signatures | None = None,
    ) -> None:
        self.location = location
        self._signatures = signatures
        self._signed: list[tuple[str, Sequence[bytes]]] = []
        self._sent: dict[str, Descriptor] = {}
        self._reference = reference
        self._client = client
        self._settings = settings
        self._known: Mapping[str, Sequence[str]] | KnownLocations = settings.options.get(
            "blob_locations", {}
        )
        self._scope = f"repository:{reference.path}:pull,push"
        self._top: ManifestBytes | None = None

    def has_blob(self, descriptor: Descriptor) -> bool:
        if not descriptor.digest:
            return False
        path = f"{self._reference.path}/blobs/{descriptor.digest}"
        try:
            self._client.request("HEAD", path, scope=self._scope).drain()
        except NotFound:
            if not self._mounted(descriptor.digest):
                return False
        self._note(descriptor.digest)
        return True

    def _mounted(self, digest: str) -> bool:
        """Ask the registry to link the blob from a repository of its own that has it."""
        for repository in self._places(digest):
            host, _, path = repository.partition("/")
            if host == self._reference.host and path != self._reference.path:
                if self._mount(digest, path):
                    return True
                if isinstance(self._known, KnownLocations):
                    self._known.forget(repository, digest)
        return False

    def _places(self, digest: str) -> Sequence[str]:
        if isinstance(self._known, KnownLocations):
            return self._known.of(digest, self._reference.host)
        return self._known.get(digest, ())

    def _mount(self, digest: str, path: str) -> bool:
        query = urlencode({"mount": digest, "from": path})
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
        response.drain()
        if response.status == 201:
            return True
        session = response.headers.get("Location", "")
        if session:  # it began an upload instead, which it would keep for days
            try:
                url = urljoin(self._client.url(""), session)
                self._client.send("DELETE", url, b"", scope=self._scope, headers={}).drain()
            except (NotFound, RegistryError):
                pass
        return False

    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        checked = verified(stream, descriptor, f"blob for {self.location}")
        upload = Upload(
            self._client,
            self._reference.path,
            self._scope,
            self._settings,
            f"{self.location}: blob {descriptor.digest}".rstrip(),
        )
        found = upload.send(descriptor, checked)
        self._note(found.digest)
        return descriptor.replace(digest=found.digest, size=found.size)

    def _note(self, digest: str) -> None:
        """Remember that the blob is in this repository now."""
        if isinstance(self._known, KnownLocations):
            self._known.note(self._reference.repository, (digest,))

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        own = manifest_digest(manifest.data)
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

    def put_signatures(self, signatures: Sequence[bytes], digest: str = "") -> None:
        """They are written by `commit`, once what they are of is there."""
        if self._signatures is None:
            super().put_signatures(signatures, digest)
        else:
            self._signatures.check(signatures)
        self._signed.append((digest, signatures))

    def commit(self) -> None:
        if self._top is None:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        own = manifest_digest(self._top.data)
        self._send_manifest(self._top, own, self._reference.tag or own)
        for digest, signatures in self._signed:
            assert self._signatures is not None
            subject = self._sent[digest or own]
            self._signatures.write(self._client, self._reference, subject, signatures)

    def _send_manifest(self, manifest: ManifestBytes, own: str, where: str) -> None:
        response = self._client.request(
            "PUT",
            f"{self._reference.path}/manifests/{where}",
            scope=self._scope,
            headers={"Content-Type": manifest.media_type},
            body=manifest.data,
            expect=(200, 201, 202),
        )
        response.drain()
        if "OCI-Subject" not in response.headers:
            referrers.add_tagged(self._client, self._reference, manifest, own)
        self._sent[own] = Descriptor(own, len(manifest.data), manifest.media_type)
        told = response.headers.get("Docker-Content-Digest", own)
        if told.startswith("sha256:") and told != own:
            raise RegistryError(f"{self.location}: the registry changed the manifest to {told}")

    def close(self) -> None:
        self._client.close()
