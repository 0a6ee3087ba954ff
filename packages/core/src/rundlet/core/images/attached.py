"""Manifests that hold sigstore signatures of another one: what they are called and look like.

As cosign attached them until its version 2: layers of an image that is named `ALGORITHM-HEX.sig`
(cosign's SIGNATURE_SPEC.md). As cosign 3 does: bundles, each in a manifest that refers to the
image (BUNDLE_SPEC.md). The same in registries and in OCI layouts.
"""

from __future__ import annotations

import json

from ..trust import stored
from ..value import Value
from . import manifest as manifests
from .descriptor import Descriptor, digest_parts
from .digests import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

BUNDLES = "application/vnd.dev.sigstore.bundle"
"""What the media types of all bundles begin with."""
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"


class Holder(Value):
    """A manifest to be written, and the blobs that must be there before."""

    manifest: bytes
    blobs: tuple[tuple[Descriptor, bytes], ...]


def tag(digest: str) -> str:
    """The name of the image whose layers are the signatures of a manifest."""
    algorithm, encoded = digest_parts(digest)
    return f"{algorithm}-{encoded}.sig"


def split(signatures: Sequence[bytes]) -> tuple[list[stored.Sigstore], list[stored.Sigstore]]:
    """Stored sigstore signatures as those that become layers, and bundles. Raises Corrupt."""
    found = [stored.unpacked(one) for one in signatures]
    bundles = [one for one in found if one.media_type.startswith(BUNDLES)]
    return [one for one in found if one not in bundles], bundles


def with_layers(before: Sequence[Descriptor], signatures: Sequence[stored.Sigstore]) -> Holder:
    """The image named `tag` with these signatures besides those of the layers `before`."""
    layers, blobs = list(before), []
    known = [(one.digest, one.media_type, dict(one.annotations)) for one in layers]
    for one in signatures:
        layer = _described(one.payload, one.media_type)
        if (layer.digest, layer.media_type, dict(one.annotations)) in known:
            continue
        blobs.append((layer, one.payload))
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
    made = manifests.compose(manifests.OCI_MANIFEST, described, layers)
    return Holder(made, (*blobs, (described, config)))


def with_bundle(subject: Descriptor, bundle: stored.Sigstore) -> Holder:
    """The manifest that refers to `subject` and holds a bundle."""
    config = _described(_EMPTY, EMPTY_TYPE)
    layer = _described(bundle.payload, bundle.media_type)
    made = manifests.compose(
        manifests.OCI_MANIFEST,
        config,
        [layer],
        artifactType=bundle.media_type,
        subject=manifests.as_object(subject),
        annotations={"dev.sigstore.bundle.content": _content(bundle.payload)},
    )
    return Holder(made, ((config, _EMPTY), (layer, bundle.payload)))


def bundle_layers(found: manifests.Manifest, digest: str) -> Sequence[Descriptor]:
    """The layer of a manifest that is a bundle of the one with a digest, by what it says itself;
    none where it is not.
    """
    document: Any = found.document
    subject = document.get("subject")
    kind = str(document.get("artifactType") or found.config.media_type)
    if not isinstance(subject, dict) or subject.get("digest") != digest:
        return ()
    if not kind.startswith(BUNDLES):
        return ()
    return [layer for layer in found.layers[:1] if layer.media_type.startswith(BUNDLES)]


def _described(data: bytes, media_type: str) -> Descriptor:
    return Descriptor(digest_of(data), len(data), media_type)


def _content(bundle: bytes) -> str:
    return "dsse-envelope" if b'"dsseEnvelope"' in bundle else "message-signature"
