"""Sigstore signatures inside an OCI layout: entries of its index, in the forms of registries.

The image whose layers they are has the ref name that is its tag in a registry, and a bundle's
manifest has none (images/attached.py). What `cosign save` writes is read too.
"""

from __future__ import annotations

import io

from ..content.verify import Verified
from ..contracts.transport import ManifestBytes
from ..errors import Corrupt, NotFound
from ..images import attached
from ..images import manifest as manifests
from ..images.descriptor import Descriptor
from ..trust import simple, stored
from ..trust.lookaside import MOST
from . import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .layout import LayoutSource
    from .oci import DirectoryFiles, OciDestination


def read(index: dict[str, Any], digest: str, source: LayoutSource) -> list[bytes]:
    """All signatures of a manifest, as they are stored. Raises Corrupt for too many, NotFound for
    one that the index names and that is not there.
    """
    found: list[bytes] = []
    for item in map(layout.descriptor_of, index["manifests"]):
        if not layout.holds_signatures(item):
            continue
        parsed = _parsed(source.manifest(item.digest).data, item)
        if item.artifact_type:
            layers = attached.bundle_layers(parsed, digest)
        else:
            layers = parsed.layers if _is_of(item, digest) else ()
        found += [_signature(layer, source) for layer in layers[: MOST + 1]]
        if len(found) > MOST:
            raise Corrupt(f"{source.location}: more than {MOST} signatures of an image")
    return found


def _is_of(item: Descriptor, digest: str) -> bool:
    """cosign's layouts are of one image: what its signatures are of, they say themselves."""
    name = item.annotations.get(layout.REF_NAME)
    return name == attached.tag(digest) or item.annotations.get("kind") == layout.COSIGN


def _signature(layer: Descriptor, source: LayoutSource) -> bytes:
    if not 0 <= layer.size <= simple.LARGEST:
        raise Corrupt(f"{source.location}: a signature of {layer.size} bytes is too large")
    with source.blob(layer) as raw:
        data = Verified(raw, layer, f"blob {layer.digest}").read()
    annotations = {} if layer.media_type.startswith(attached.BUNDLES) else dict(layer.annotations)
    return stored.Sigstore(layer.media_type, data, annotations).packed()


def write(
    index: dict[str, Any],
    subject: Descriptor,
    signatures: Sequence[bytes],
    destination: OciDestination,
) -> None:
    """Add signatures of a manifest to an index, in place, and what they need to the blobs."""
    layers, bundles = attached.split(signatures)
    name = attached.tag(subject.digest)
    if layers:
        before: list[Descriptor] = []
        for item in map(layout.descriptor_of, index["manifests"]):
            if item.annotations.get(layout.REF_NAME) == name:
                before += _parsed(destination.read(item), item).layers
        top = _put(attached.with_layers(before, layers), destination)
        index.update(layout.with_manifest(index, top, name))
    for one in bundles:
        top = _put(attached.with_bundle(subject, one), destination)
        index.update(layout.with_manifest(index, top, ""))
        index["manifests"][-1]["artifactType"] = one.media_type


def alone_with(
    index: dict[str, Any], chosen: Descriptor, files: DirectoryFiles
) -> list[Descriptor]:
    """The entries with signatures of an image, when that is in the index under no other name."""
    items = [layout.descriptor_of(item) for item in index["manifests"]]
    if sum(item.digest == chosen.digest for item in items) > 1:
        return []
    return [item for item in items if layout.holds_signatures(item) and _holds(item, chosen, files)]


def _holds(item: Descriptor, chosen: Descriptor, files: DirectoryFiles) -> bool:
    if not item.artifact_type:
        return item.annotations.get(layout.REF_NAME) == attached.tag(chosen.digest)
    try:
        data = files.read(layout.blob_name(item.digest), layout.MOST_MANIFEST_BYTES)
        return bool(attached.bundle_layers(_parsed(data, item), chosen.digest))
    except (NotFound, Corrupt):
        return False


def _put(holder: attached.Holder, destination: OciDestination) -> Descriptor:
    for blob, content in holder.blobs:
        destination.put_blob(blob, io.BytesIO(content))
    made = ManifestBytes(holder.manifest, manifests.OCI_MANIFEST)
    described = Descriptor("", len(made.data), made.media_type)
    return destination.put_blob(described, io.BytesIO(made.data))


def _parsed(data: bytes, item: Descriptor) -> manifests.Manifest:
    parsed = manifests.parse(data, item.media_type)
    if not isinstance(parsed, manifests.Manifest):
        raise Corrupt(f"{item.digest}: an index holds no signatures")
    return parsed
