"""Sigstore's signatures beside an image in its registry.

As cosign attached them until its version 2: layers of an image with the tag `ALGORITHM-HEX.sig`
(cosign's SIGNATURE_SPEC.md). As cosign 3 does: bundles, each in a manifest that refers to the
image (BUNDLE_SPEC.md). All that is found is bounded: whoever can push can put anything there.
"""

from __future__ import annotations

import io
import json

from ...content.verify import Verified
from ...contracts.transport import ManifestBytes
from ...errors import Corrupt, NotFound
from ...images import manifest as manifests
from ...images.copy import digest_of
from ...images.descriptor import Descriptor, digest_parts
from ...trust import simple, stored
from ...trust.lookaside import MOST
from .referrers import add_tagged, list_referrers
from .source import ResumingBlob, fetch_manifest
from .upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ...contracts.transport import TransportSettings
    from ...images.reference import Reference
    from .client import Client

_BUNDLES = "application/vnd.dev.sigstore.bundle"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"
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
        found = [stored.unpacked(one) for one in signatures]
        bundles = [one for one in found if one.media_type.startswith(_BUNDLES)]
        layers = [one for one in found if one not in bundles]
        if layers:
            self._write_tagged(subject.digest, layers)
        for one in bundles:
            self._write_bundle(subject, one)

    # --- by tag

    def _tagged(self, digest: str) -> manifests.Manifest | None:
        """The image that holds attachments; None where there are none."""
        try:
            found = fetch_manifest(self._reference.replace(tag=_tag(digest)), self._client, "")
        except NotFound:
            return None
        parsed = manifests.parse(found.data, found.media_type)
        if not isinstance(parsed, manifests.Manifest):
            raise Corrupt(f"{self._reference}:{_tag(digest)}: an index holds no signatures")
        return parsed

    def _layers(self, found: manifests.Manifest | None) -> Sequence[Descriptor]:
        layers = found.layers if found is not None else ()
        if len(layers) > MOST:
            raise Corrupt(f"{self._reference}: more than {MOST} signatures of an image")
        return layers

    def _write_tagged(self, digest: str, signatures: Sequence[stored.Sigstore]) -> None:
        layers = list(self._layers(self._tagged(digest)))
        known = [(one.digest, one.media_type, dict(one.annotations)) for one in layers]
        for one in signatures:
            layer = _described(one.payload, one.media_type)
            if (layer.digest, layer.media_type, dict(one.annotations)) in known:
                continue
            self._upload(layer, one.payload)
            layers.append(layer.replace(annotations=dict(one.annotations)))
        config = json.dumps(
            {
                "architecture": "",
                "os": "",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            }
        ).encode()
        described = _described(config, manifests.OCI_CONFIG)
        self._upload(described, config)
        made = manifests.compose(manifests.OCI_MANIFEST, described, layers)
        self._put(made, _tag(digest))

    # --- by referrers

    def _bundles(self, digest: str) -> list[stored.Sigstore]:
        """Bundles that refer to a manifest. A registry that keeps referrers by a tag may not say
        of what type they are: those are looked at too.
        """
        listed = list_referrers(self._client, self._reference, digest, most=_MOST_REFERRERS)
        likely = [
            one
            for one in listed
            if one.artifact_type.startswith(_BUNDLES) or one.artifact_type in ("", _EMPTY_TYPE)
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
            if isinstance(parsed, manifests.Manifest) and _refers(parsed, digest):
                found += [
                    stored.Sigstore(layer.media_type, self._blob(layer))
                    for layer in parsed.layers[:1]
                    if layer.media_type.startswith(_BUNDLES)
                ]
        return found

    def _write_bundle(self, subject: Descriptor, bundle: stored.Sigstore) -> None:
        config, layer = _described(_EMPTY, _EMPTY_TYPE), _described(
            bundle.payload, bundle.media_type
        )  # fmt: skip
        self._upload(config, _EMPTY)
        self._upload(layer, bundle.payload)
        made = manifests.compose(
            manifests.OCI_MANIFEST,
            config,
            [layer],
            artifactType=bundle.media_type,
            subject=manifests.as_object(subject),
            annotations={"dev.sigstore.bundle.content": _content(bundle.payload)},
        )
        self._put(made, digest_of(made))

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
            return Verified(raw, wanted, f"blob {wanted.digest}").read()  # type: ignore[arg-type]

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

    def _put(self, data: bytes, where: str) -> None:
        response = self._client.request(
            "PUT",
            f"{self._reference.path}/manifests/{where}",
            scope=self._scope,
            headers={"Content-Type": manifests.OCI_MANIFEST},
            body=data,
            expect=(200, 201, 202),
        )
        response.drain()
        if "OCI-Subject" not in response.headers:
            written = ManifestBytes(data, manifests.OCI_MANIFEST)
            add_tagged(self._client, self._reference, written, digest_of(data))


def _tag(digest: str) -> str:
    algorithm, encoded = digest_parts(digest)
    return f"{algorithm}-{encoded}.sig"


def _described(data: bytes, media_type: str) -> Descriptor:
    return Descriptor(digest_of(data), len(data), media_type)


def _refers(found: manifests.Manifest, digest: str) -> bool:
    """Whether a manifest is a bundle of another one, by what it says itself."""
    document: Any = found.document
    subject = document.get("subject")
    kind = str(document.get("artifactType") or found.config.media_type)
    return isinstance(subject, dict) and subject.get("digest") == digest and (
        kind.startswith(_BUNDLES)
    )  # fmt: skip


def _content(bundle: bytes) -> str:
    return "dsse-envelope" if b'"dsseEnvelope"' in bundle else "message-signature"
