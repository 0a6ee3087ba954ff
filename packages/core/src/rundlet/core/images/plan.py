"""What an image must become for its destination: format, compression, media types. Pure.

Nothing is changed without need: as long as a destination takes what is there, digests stay.
"""

from __future__ import annotations

from ..content.annotations import CHECKSUM, OF_BYTES
from ..errors import InvalidArgument, NotSupported
from ..value import Value
from . import manifest as manifests
from .marks import check_kind, is_encrypted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.transport import ImageDestination
    from .descriptor import Descriptor
    from .manifest import Index, Manifest

CHUNKED = "zstd:chunked"
SCHEMA1 = "v2s1"
FORMATS = {
    "oci": manifests.OCI_MANIFEST,
    SCHEMA1: manifests.DOCKER_MANIFEST,  # it becomes one of schema 1 when all is known
    "v2s2": manifests.DOCKER_MANIFEST,
}
_INDEX_OF = {"oci": manifests.OCI_INDEX, "v2s2": manifests.DOCKER_LIST}
COMPRESSIONS = ("", "gzip", "zstd", "zstd:chunked")


class Wishes(Value):
    """What the user asks for. format: "oci" | "v2s1" | "v2s2" | "". compression: "gzip" | "zstd" |
        "zstd:chunked" | "".

    force: recompress layers that are compressed otherwise (else only plain ones are).
    level: of what is compressed anew, None for the compressor's own. plain: layers without
        compression, whatever the store keeps them as (podman-save(1) --uncompressed).
    """

    format: str = ""
    compression: str = ""
    force: bool = False
    level: int | None = None
    plain: bool = False


def plan(
    manifest: Manifest, diff_ids: tuple[str, ...], destination: ImageDestination, wishes: Wishes
) -> Manifest:
    """The manifest at the destination, as far as it is known before the bytes are there.

    A layer whose bytes will change has digest "", or its diff_id where it is unpacked.
    Raises InvalidArgument for wishes that contradict, NotSupported for what the
    destination cannot hold.
    """
    kind = _kind(manifest, destination, wishes)
    known = len(diff_ids) == len(manifest.layers)
    layers = tuple(
        _layer(layer, kind, diff_ids[number] if known else "", destination, wishes)
        for number, layer in enumerate(manifest.layers)
    )
    if any(is_encrypted(layer) for layer in manifest.layers):
        check_kind(kind, destination.compress)
    config = manifest.config
    if kind != manifest.media_type:
        config = config.replace(media_type=config_type(config.media_type, kind))
    return manifest.replace(media_type=kind, config=config, layers=layers)


def index_type(index: Index, destination: ImageDestination, wishes: Wishes) -> str:
    """The media type that an index gets at the destination: the family of its images.

    Raises NotSupported where the destination holds no image of several platforms.
    """
    if wishes.format == SCHEMA1:
        raise NotSupported(
            "an index holds no manifests of schema 1",
            remedy="Copy the image of one platform, or use --format v2s2.",
        )
    wanted = index.media_type
    if wishes.format in _INDEX_OF:
        wanted = _INDEX_OF[wishes.format]
    elif wishes.compression.startswith("zstd"):
        wanted = manifests.OCI_INDEX
    accepts = destination.accepts
    if not accepts or wanted in accepts:
        return wanted
    other = next((kind for kind in accepts if kind in manifests.INDEXES), "")
    if not other or wishes.format:
        raise NotSupported(
            f"{destination.location.transport}: cannot hold an image of several platforms"
            + (f" as {wishes.format}" if wishes.format else "")
        )
    return other


def config_type(original: str, manifest_type: str) -> str:
    """The media type of a config in a manifest of this kind; an artifact's stays."""
    if original not in (manifests.OCI_CONFIG, manifests.DOCKER_CONFIG):
        return original
    docker = manifest_type == manifests.DOCKER_MANIFEST
    return manifests.DOCKER_CONFIG if docker else manifests.OCI_CONFIG


def _kind(manifest: Manifest, destination: ImageDestination, wishes: Wishes) -> str:
    """The media type of the manifest to write."""
    if wishes.format and wishes.format not in FORMATS:
        raise InvalidArgument(
            f"unknown manifest format {wishes.format!r}", remedy=f"Use {' or '.join(FORMATS)}."
        )
    if wishes.compression not in COMPRESSIONS:
        raise InvalidArgument(
            f"unsupported compression {wishes.compression!r}",
            remedy="Use gzip, zstd or zstd:chunked.",
        )
    zstd = wishes.compression.startswith("zstd")
    if wishes.format in (SCHEMA1, "v2s2") and zstd:
        raise InvalidArgument(
            f"format {wishes.format} has no zstd layers",
            remedy="Use --format oci, or gzip compression.",
        )
    wanted = FORMATS.get(wishes.format, manifest.media_type)
    if zstd:
        wanted = manifests.OCI_MANIFEST
    accepts = destination.accepts
    written = manifests.DOCKER_SCHEMA1 if wishes.format == SCHEMA1 else wanted
    if not accepts or written in accepts:
        return wanted
    if not wishes.format:
        other = next((kind for kind in accepts if kind in manifests.MANIFESTS), "")
        if other:
            return other
    raise NotSupported(
        f"{destination.location.transport}: cannot hold an image of type {written}",
        remedy="Choose another --format." if wishes.format else "",
    )


def _layer(
    layer: Descriptor, kind: str, diff_id: str, destination: ImageDestination, wishes: Wishes
) -> Descriptor:
    if not manifests.is_layer(layer.media_type):
        return layer  # an artifact's content: never touched
    there = _there(layer)
    wanted = _compression(there, kind, destination, wishes)
    media_type = manifests.layer_type(kind, wanted.partition(":")[0], layer.media_type)
    if wanted == there:
        return layer.replace(media_type=media_type)
    digest = diff_id if not wanted else ""
    # What was said of the bytes is not true of others.
    kept = {key: value for key, value in layer.annotations.items() if not key.startswith(OF_BYTES)}
    return layer.replace(digest=digest, size=-1, media_type=media_type, annotations=kept)


def _there(layer: Descriptor) -> str:
    """ "zstd:chunked" for a zstd layer with a table of contents."""
    found = manifests.compression(layer.media_type)
    return CHUNKED if found == "zstd" and CHECKSUM in layer.annotations else found


def chunked(target: Descriptor, wishes: Wishes) -> bool:
    """Whether a layer that is compressed anew gets a table of contents."""
    return wishes.compression == CHUNKED and manifests.compression(target.media_type) == "zstd"


def _compression(there: str, kind: str, destination: ImageDestination, wishes: Wishes) -> str:
    if wishes.plain or destination.compress == "uncompressed":
        return ""
    wanted = there
    if not there:
        wanted = wishes.compression or destination.compress
    elif wishes.force and wishes.compression and not there.startswith(wishes.compression):
        wanted = wishes.compression
    if kind == manifests.DOCKER_MANIFEST and wanted.startswith("zstd"):
        return "gzip"  # Docker's format has no media type for it
    return wanted
