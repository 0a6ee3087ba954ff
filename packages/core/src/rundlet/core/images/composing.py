"""Images that are made here: layers kept as blobs, then a config and a manifest over them.

import, commit and build end here. A layer is kept as a gzip blob (of the same bytes for the
same content), and unpacked when the image is written.
"""

from __future__ import annotations

import hashlib
import io
import json

from ..content.compress import compressed
from ..content.produced import Produced
from ..contracts.transport import ManifestBytes
from ..state import images as rows
from ..storage.apart import Apart
from ..streams import RawStream
from ..value import Value
from . import manifest as manifests
from .descriptor import Descriptor
from .digests import digest_of
from .store_destination import StoreDestination

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..engine import Engine
    from ..state.images import Image
    from ..streams import Readable, Writable

_PIECE = 1 << 18


class NewLayer(Value):
    """A layer that was kept: its blob, and the digest of its tar."""

    blob: Descriptor
    diff_id: str


def keep(engine: Engine, tar: Readable, apart: Apart | None = None) -> NewLayer:
    """Keep a layer's plain tar as a gzip blob. Raises NoSpace, and what reading raises.

    apart: unpacks it meanwhile.
    """
    hashed = _Hashed(tar, apart)
    wanted = Descriptor("", -1, f"{manifests.OCI_LAYER}+gzip")
    with engine.blobs.writer(wanted) as writer:
        body = compressed(hashed, "gzip")
        while piece := body.read(_PIECE):
            writer.write(piece)
        return NewLayer(writer.commit(), hashed.digest)


def keep_written(
    engine: Engine, write: Callable[[Writable], object], parent: str | None = None
) -> NewLayer:
    """`keep` of the tar that `write(file)` writes, in a thread of its own.

    parent: the chain ID of the layers that it will stand on, "" for none: it is then unpacked
    too where that can be done meanwhile. None: it will be unpacked with the image.
    """
    apart = Apart.begin(engine, parent) if parent is not None else None
    try:
        with Produced(write) as tar:
            made = keep(engine, tar, apart)
    except BaseException:
        if apart is not None:
            apart.abandon()
        raise
    if apart is not None:
        apart.finish(made.diff_id)
    return made


def write_image(
    engine: Engine,
    document: Mapping[str, Any],
    layers: Sequence[Descriptor],
    *,
    names: tuple[str, ...] = (),
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """Write an image of a config document and layers whose blobs are in the store.

    document: image-spec config.md, its rootfs.diff_ids as many as there are layers, lowest
    first. names: full names to give it. docker: manifest and config of Docker's v2 schema 2
    (which has no annotations), else OCI's. Raises Corrupt when layers and document do not fit.
    """
    kind = manifests.DOCKER_MANIFEST if docker else manifests.OCI_MANIFEST
    config = json.dumps(document).encode()
    described = Descriptor(
        digest_of(config),
        len(config),
        manifests.DOCKER_CONFIG if docker else manifests.OCI_CONFIG,
    )
    typed = [item.replace(media_type=_layer_type(kind, item)) for item in layers]
    more = {"annotations": dict(annotations)} if annotations and not docker else {}
    data = manifests.compose(kind, described, typed, **more)
    manifest = manifests.parse(data, kind)
    assert isinstance(manifest, manifests.Manifest)
    known = _there(engine, described, data, names)
    if known is not None:
        return known
    with StoreDestination(engine, names) as destination:
        destination.expect(manifest, config)
        destination.put_blob(described, io.BytesIO(config))
        destination.put_manifest(ManifestBytes(data, kind))
        destination.commit()
        return engine.images.get(destination.image)


def _there(engine: Engine, config: Descriptor, data: bytes, names: tuple[str, ...]) -> Image | None:
    """The very image, where the store has it: only its names are new. None: write it."""
    digest = digest_of(data)
    identity = config.digest.partition(":")[2]
    with engine.database.transaction():
        found = rows.get(engine.database, identity)
        if found is None or found.manifest != digest:
            return None
        for name in names:
            rows.set_name(engine.database, name, identity)
    return engine.images.get(identity)


def base_layers(engine: Engine, image: Image) -> tuple[Descriptor, ...]:
    """The layers of an image of the store, lowest first, to build on. Raises Corrupt."""
    manifest = manifests.parse(engine.blobs.read(image.manifest), image.manifest_type)
    assert isinstance(manifest, manifests.Manifest)
    return manifest.layers


def _layer_type(kind: str, layer: Descriptor) -> str:
    return manifests.layer_type(kind, manifests.compression(layer.media_type), layer.media_type)


class _Hashed(RawStream):
    """What passes is hashed, and unpacked apart where it is."""

    def __init__(self, stream: Readable, apart: Apart | None) -> None:
        self._read = stream.read
        self._apart = apart
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> str:
        return "sha256:" + self._sha256.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        data = self._read(size)
        self._sha256.update(data)
        if self._apart is not None:
            self._apart.write(data)
        return data
