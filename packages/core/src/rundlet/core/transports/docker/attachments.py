"""Sigstore's signatures beside an image in its registry, in the two forms of `images.attached`.

All that is found is bounded: whoever can push can put anything there.
"""

from __future__ import annotations

import io

from ...content.verify import Verified
from ...contracts.transport import ManifestBytes
from ...errors import Corrupt, NotFound
from ...images import attached
from ...images import manifest as manifests
from ...images.digests import digest_of
from ...trust import simple, stored
from ...trust.lookaside import MOST
from .referrers import add_tagged, list_referrers
from .resuming import ResumingBlob
from .source import fetch_manifest
from .upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...contracts.transport import TransportSettings
    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from .client import Client

_MOST_REFERRERS = 1000
_WHOLE = 16 << 20
"""Bytes that all signatures of an image may have together."""


class Attachments:
    """The sigstore signatures in a repository. reference: of the repository, as it is asked."""

    def __init__(self, client: Client, reference: Reference, settings: TransportSettings) -> None:
        self._client = client
        self._reference = reference.replace(tag="", digest="")
        self._settings = settings
        self._whole = 0

    def read(self, digest: str) -> list[bytes]:
        """All of a manifest's, as they are stored. Raises Corrupt for too many, RegistryError."""
        found = [
            stored.Sigstore(layer.media_type, self._blob(layer), dict(layer.annotations))
            for layer in self._layers(self._tagged(digest))
        ]
        found += self._bundles(digest)
        return [one.packed() for one in found]

    def write(self, subject: Descriptor, signatures: Sequence[bytes]) -> None:
        """Add signatures of a manifest to those that are there."""
        layers, bundles = attached.split(signatures)
        if layers:
            before = self._layers(self._tagged(subject.digest))
            self._put(attached.with_layers(before, layers), attached.tag(subject.digest))
        for one in bundles:
            self._put(attached.with_bundle(subject, one))

    # --- by tag

    def _tagged(self, digest: str) -> manifests.Manifest | None:
        """The image that holds attachments; None where there are none."""
        try:
            reference = self._reference.replace(tag=attached.tag(digest))
            found = fetch_manifest(reference, self._client, "")
        except NotFound:
            return None
        parsed = manifests.parse(found.data, found.media_type)
        if not isinstance(parsed, manifests.Manifest):
            raise Corrupt(f"{reference}: an index holds no signatures")
        return parsed

    def _layers(self, found: manifests.Manifest | None) -> Sequence[Descriptor]:
        layers = found.layers if found is not None else ()
        if len(layers) > MOST:
            raise Corrupt(f"{self._reference}: more than {MOST} signatures of an image")
        return layers

    # --- by referrers

    def _bundles(self, digest: str) -> list[stored.Sigstore]:
        """Bundles that refer to a manifest. A registry that keeps referrers by a tag may not say
        of what type they are: those are looked at too.
        """
        listed = list_referrers(self._client, self._reference, digest, most=_MOST_REFERRERS)
        likely = [
            one
            for one in listed
            if one.artifact_type.startswith(attached.BUNDLES)
            or one.artifact_type in ("", attached.EMPTY_TYPE)
        ]
        if len(likely) > MOST:
            raise Corrupt(f"{self._reference}: more than {MOST} bundles refer to an image")
        found = []
        for one in likely:
            try:
                data = fetch_manifest(self._reference, self._client, one.digest)
            except NotFound:
                continue  # it was deleted, and is listed still
            parsed = manifests.parse(data.data, data.media_type)
            if isinstance(parsed, manifests.Manifest):
                found += [
                    stored.Sigstore(layer.media_type, self._blob(layer))
                    for layer in attached.bundle_layers(parsed, digest)
                ]
        return found

    # --- both

    def _blob(self, wanted: Descriptor) -> bytes:
        self._whole += max(wanted.size, 0)
        if not 0 <= wanted.size <= simple.LARGEST or self._whole > _WHOLE:
            raise Corrupt(
                f"{self._reference}: a signature of {wanted.size} bytes"
                f" (blob {wanted.digest}) is too large"
            )
        place = [(self._reference, self._client)]
        with ResumingBlob(place, wanted, 0) as raw:
            return Verified(raw, wanted, f"blob {wanted.digest}").read()

    def _upload(self, wanted: Descriptor, data: bytes) -> None:
        path = f"{self._reference.path}/blobs/{wanted.digest}"
        try:
            self._client.request("HEAD", path, scope=self._scope).drain()
        except NotFound:
            what = f"{self._reference}: blob {wanted.digest}"
            upload = Upload(self._client, self._reference.path, self._scope, self._settings, what)
            upload.send(wanted, Verified(io.BytesIO(data), wanted, what))

    @property
    def _scope(self) -> str:
        return f"repository:{self._reference.path}:pull,push"

    def _put(self, holder: attached.Holder, where: str = "") -> None:
        """Write a manifest with its blobs, under a tag or its digest."""
        for blob, content in holder.blobs:
            self._upload(blob, content)
        data = holder.manifest
        response = self._client.request(
            "PUT",
            f"{self._reference.path}/manifests/{where or digest_of(data)}",
            scope=self._scope,
            headers={"Content-Type": manifests.OCI_MANIFEST},
            body=data,
            expect=(200, 201, 202),
        )
        response.drain()
        if "OCI-Subject" not in response.headers:
            written = ManifestBytes(data, manifests.OCI_MANIFEST)
            add_tagged(self._client, self._reference, written, digest_of(data))
