"""Manifests: OCI image manifest and index, Docker v2 schema 2 and manifest list.

Parsed strictly, for they come from outside: a manifest that is not what its media type
promises is Corrupt. (OCI image-spec manifest.md, image-index.md; distribution's
manifest-v2-2.md.)
"""

from __future__ import annotations

from .. import json
from ..errors import Corrupt, InvalidArgument
from ..value import EMPTY, Value
from . import documents
from .descriptor import Descriptor, digest_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_LIST)
ACCEPTED = (*MANIFESTS, *INDEXES)
"""What we ask a registry for."""

LARGEST = 4 << 20
"""Bytes of a manifest: what containers/image and containerd accept."""


class Manifest(Value):
    """One image: its config and its layers, lowest first. `document` is the parsed JSON."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = EMPTY
    document: Mapping[str, Any] = EMPTY


class Index(Value):
    """Several images, each for a platform. `document` is the parsed JSON."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = EMPTY
    document: Mapping[str, Any] = EMPTY


def parse(data: bytes, media_type: str = "") -> Manifest | Index:
    """Parse the bytes of a manifest. The document's own mediaType wins over `media_type`.

    Raises Corrupt for anything that is no image manifest or index, InvalidArgument for
    schema 1 and artifacts without an image config.
    """
    if len(data) > LARGEST:
        raise Corrupt(f"manifest of {len(data)} bytes: more than {LARGEST}")
    document = documents.read_object(data, "manifest")
    kind = _kind(document, media_type)
    try:
        if kind in INDEXES:
            manifests = tuple(descriptor(item) for item in _list(document, "manifests"))
            return Index(kind, manifests, _annotations(document), document)
        config = document.get("config")
        if not isinstance(config, dict):
            raise Corrupt("manifest has no config")
        layers = tuple(descriptor(item) for item in _list(document, "layers"))
        return Manifest(kind, descriptor(config), layers, _annotations(document), document)
    except (TypeError, ValueError, AttributeError) as error:
        raise Corrupt(f"malformed manifest: {error}") from None


def _kind(document: dict[str, Any], media_type: str) -> str:
    kind = document.get("mediaType") or media_type.partition(";")[0].strip()
    if document.get("schemaVersion") == 1 or "fsLayers" in document:
        raise InvalidArgument(
            "the image has a Docker schema 1 manifest",
            remedy="Copy it with --format v2s2 first.",
        )
    if kind in ACCEPTED:
        if (kind in INDEXES) != ("manifests" in document):
            raise Corrupt(f"manifest does not have the form of its media type {kind}")
        return str(kind)
    if "manifests" in document:
        return OCI_INDEX
    if "config" in document and "layers" in document:
        return OCI_MANIFEST
    raise Corrupt(f"not an image manifest (media type {kind or 'not given'!r})")


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    if value is None and key == "layers":
        return []
    if not isinstance(value, list):
        raise Corrupt(f"manifest has no list {key!r}")
    return value


def _annotations(document: Mapping[str, Any]) -> Mapping[str, str]:
    found = document.get("annotations") or EMPTY
    if found is not EMPTY and not isinstance(found, dict):
        raise Corrupt(f"malformed annotations in manifest: {found!r}")
    return {str(key): str(value) for key, value in found.items()}


def descriptor(document: Mapping[str, Any]) -> Descriptor:
    """One descriptor object. Raises Corrupt for a bad digest or size."""
    if not isinstance(document, dict):
        raise Corrupt(f"malformed descriptor in manifest: {document!r} is not an object")
    digest, size = document.get("digest"), document.get("size")
    if not isinstance(digest, str) or type(size) is not int or not 0 <= size < 1 << 63:
        raise Corrupt(f"malformed descriptor in manifest: digest {digest!r}, size {size!r}")
    platform = document.get("platform")
    if platform is not None and not isinstance(platform, dict):
        raise Corrupt(f"malformed platform in manifest: {platform!r}")
    try:
        digest_parts(digest)
    except InvalidArgument as error:
        raise Corrupt(str(error)) from None
    return Descriptor(
        digest,
        size,
        str(document.get("mediaType") or ""),
        _annotations(document),
        platform,
        tuple(str(url) for url in document.get("urls") or ()),
        str(document.get("artifactType") or ""),
    )


def as_object(item: Descriptor) -> dict[str, Any]:
    """A descriptor as JSON object."""
    found: dict[str, Any] = {
        "mediaType": item.media_type,
        "digest": item.digest,
        "size": item.size,
    }
    if item.annotations:
        found["annotations"] = dict(item.annotations)
    if item.platform is not None:
        found["platform"] = dict(item.platform)
    if item.urls:
        found["urls"] = list(item.urls)
    return found


def compose(
    media_type: str, config: Descriptor, layers: Sequence[Descriptor], **more: Any
) -> bytes:
    """The bytes of a manifest made here."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": as_object(config),
        "layers": [as_object(item) for item in layers],
        **more,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def recompose(
    original: Manifest, media_type: str, config: Descriptor, layers: Sequence[Descriptor]
) -> bytes:
    """The bytes of a manifest with other blobs or of the other format.

    What only OCI manifests have (annotations, artifactType, subject) is kept among them.
    """
    more: dict[str, Any] = {}
    if media_type == OCI_MANIFEST:
        wanted = ("artifactType", "subject", "annotations")
        more = {key: original.document[key] for key in wanted if key in original.document}
    return compose(media_type, config, layers, **more)


def recompose_index(
    original: Index,
    media_type: str,
    items: Sequence[Descriptor | None],
    more: Sequence[Descriptor] = (),
) -> bytes:
    """The bytes of an index with other images, in the same order (None: without that one), and
    with `more` after them; or of the other format.

    What only OCI indexes have (annotations, artifactType, subject) is kept among them.
    """
    document = {**original.document, "schemaVersion": 2, "mediaType": media_type}
    if media_type != OCI_INDEX:
        for key in ("annotations", "artifactType", "subject"):
            document.pop(key, None)
    entries = _list(original.document, "manifests")
    document["manifests"] = [
        {**entry, "mediaType": item.media_type, "digest": item.digest, "size": item.size}
        for entry, item in zip(entries, items, strict=True)
        if item is not None
    ] + [_entry(item) for item in more]
    return json.dumps(document, separators=(",", ":")).encode()


def _entry(item: Descriptor) -> dict[str, Any]:
    """An instance as an index has it."""
    found: dict[str, Any] = {
        "mediaType": item.media_type,
        "digest": item.digest,
        "size": item.size,
    }
    if item.platform:
        found["platform"] = dict(item.platform)
    if item.annotations:
        found["annotations"] = dict(item.annotations)
    return found


# --- layer media types

_SUFFIX = {"": "", "gzip": "+gzip", "zstd": "+zstd"}


def compression(media_type: str) -> str:
    """ "gzip", "zstd" or "" of a layer's media type."""
    if media_type.endswith(("+gzip", ".gzip")):
        return "gzip"
    return "zstd" if media_type.endswith(("+zstd", ".zstd")) else ""


def is_layer(media_type: str) -> bool:
    """Whether a media type is of a file system layer, which may be recompressed.

    An encrypted one may not.
    """
    return media_type.startswith(_LAYERS) and not media_type.endswith("+encrypted")


_LAYERS = (
    OCI_LAYER,
    OCI_LAYER.replace("layer.v1", "layer.nondistributable.v1"),
    DOCKER_LAYER,
    DOCKER_LAYER.replace("rootfs.diff", "rootfs.foreign.diff"),
)


def layer_type(manifest_type: str, compressed: str, original: str) -> str:
    """The media type of a layer in a manifest of this kind; an unknown one is kept."""
    if not is_layer(original):
        return original
    foreign = "foreign" in original or "nondistributable" in original
    if manifest_type == OCI_MANIFEST:
        base = OCI_LAYER.replace("layer.v1", "layer.nondistributable.v1") if foreign else OCI_LAYER
        return base + _SUFFIX[compressed]
    base = DOCKER_LAYER.replace("rootfs.diff", "rootfs.foreign.diff") if foreign else DOCKER_LAYER
    return base + {"": "", "gzip": ".gzip", "zstd": ".zstd"}[compressed]
