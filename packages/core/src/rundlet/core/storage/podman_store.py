"""Reading the images of a store of containers/storage (podman, buildah, CRI-O).

    DRIVER-images/images.json    all images: id, names, top layer, the names of their files
    DRIVER-images/ID/            those files: manifests, config, signatures
    DRIVER-layers/layers.json    all layers: id, parent, size of the archive
    DRIVER-layers/ID.tar-split.gz    what their archives were made of (archive/tar_split.py)
    DRIVER/ID/                   the layers, as the driver has them

(github.com/containers/storage: images.go, layers.go.) There are no compressed layers: their
archives are put together again, and have the digests that the images' configs name.
"""

from __future__ import annotations

import os
import sys
from binascii import b2a_base64

from .. import json
from ..errors import Corrupt, InvalidArgument
from ..format.times import from_rfc3339
from ..images import config as configs
from ..images import manifest as manifests
from ..images.digests import digest_of
from ..state.stores import unusable
from ..value import Value
from .layers import chain_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from ..state.stores import Made

    Record = Mapping[str, Any]

_MANIFEST = "manifest"
_OTHER_MANIFEST = "manifest-sha256:"  # and its digest: of the index that it was pulled by, too
_ATTEMPTS = 5
_LIMIT = 4 << 20


class Layer(Value):
    """A layer. id: our own, the chain ID. name: its id there. size: of the archive."""

    id: str
    name: str
    parent: str
    diff_id: str
    size: int
    created: int


class Image(Value):
    """An image. names: "host/repo:tag" and "host/repo@sha256:...". digests: of its manifests.

    files: manifests and config, by digest, and sizes: of theirs. layers: lowest first.
    """

    manifest: manifests.Manifest
    manifest_digest: str
    digests: tuple[str, ...]
    config: configs.ImageConfig
    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    added: int


def read(store: str, driver: str, stamp: Callable[[], str]) -> list[Image]:
    """The images of a store. stamp: changes when something is written there.

    One that is damaged is left out, and told on standard error; what is no image of one platform
    is left out. Raises StoreError for a store of another user, or that is not whole.
    """
    owner = os.stat(f"{store}/{driver}-images").st_uid
    if owner != os.geteuid():
        raise unusable(store, f"it is of user {owner}, whose files belong to other ids")
    for _ in range(_ATTEMPTS):
        before = stamp()
        found, left = _images(store, driver)
        if stamp() == before:
            break  # else it was read while somebody wrote there
    for text in left:
        sys.stderr.write(f"WARN[0000] additional image store {store}: {text}\n")
    return found


def _images(store: str, driver: str) -> tuple[list[Image], list[str]]:
    """The images, and in words what is left out."""
    images = _list(store, f"{driver}-images/images.json")
    layers = {one["id"]: one for one in _list(store, f"{driver}-layers/layers.json") if "id" in one}
    found, left = [], []
    for record in images:
        try:
            image = _image(f"{store}/{driver}-images", record, layers)
        except (Corrupt, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            left.append(f"image {_shown(record)} is left out: {_why(error)}")
            continue
        if image is not None:
            found.append(image)
    return found, left


def _list(store: str, name: str) -> list[Record]:
    try:
        with open(f"{store}/{name}", "rb") as file:
            found = json.loads(file.read())
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:
        raise unusable(store, f"{name}: {_why(error)}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise unusable(store, f"{name} is not a list of objects")
    return found


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, KeyError):
        return f"its record has no {error.args[0]!r}"
    return str(error)


def _shown(record: Record) -> str:
    names = record.get("names")
    return str(names[0] if names and isinstance(names, list) else record.get("id"))


def _image(directory: str, record: Record, layers: Mapping[str, Record]) -> Image | None:
    """One image; None for an index, an artifact, one of schema 1. Raises what `read` tells."""

    def place(name: str) -> str:
        return os.path.join(directory, record["id"], _file_name(name))

    data = _content(place(_MANIFEST))
    try:
        manifest = manifests.parse(data)
    except InvalidArgument:
        return None
    if not isinstance(manifest, manifests.Manifest) or not _is_image(manifest):
        return None
    digest = digest_of(data)
    config = configs.parse(_content(place(manifest.config.digest)))
    kept = {digest: place(_MANIFEST)}
    for name in record.get("big-data-names") or ():
        if name.startswith(_OTHER_MANIFEST) and os.path.exists(place(name)):
            kept.setdefault(name.removeprefix("manifest-"), place(name))
    files = {**kept, manifest.config.digest: place(manifest.config.digest)}
    return Image(
        manifest=manifest,
        manifest_digest=digest,
        digests=tuple(kept),
        config=config,
        names=tuple(map(str, record.get("names") or ())),
        layers=_chain(record, config, layers),
        files=files,
        sizes={digest: os.path.getsize(path) for digest, path in files.items()},
        added=from_rfc3339(record.get("created") or ""),
    )


def _is_image(manifest: manifests.Manifest) -> bool:
    return manifest.config.media_type in (manifests.OCI_CONFIG, manifests.DOCKER_CONFIG)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LIMIT)


def _file_name(name: str) -> str:
    """Of one of an image's files (containers/storage: makeBigDataBaseName)."""
    if name.strip("abcdefghijklmnopqrstuvwxyz0123456789.") == "":
        return name
    return "=" + b2a_base64(name.encode(), newline=False).decode()


def _chain(
    record: Record, config: configs.ImageConfig, layers: Mapping[str, Record]
) -> tuple[Layer, ...]:
    """Its layers, lowest first. Raises Corrupt for one that is not whole."""
    pile = list(_pile(record.get("layer") or "", layers))[::-1]
    if len(pile) != len(config.diff_ids):
        raise Corrupt(f"it has {len(pile)} layers, its config {len(config.diff_ids)}")
    found: list[Layer] = []
    for one, diff_id in zip(pile, config.diff_ids, strict=True):
        parent = found[-1].id if found else ""
        found.append(
            Layer(
                id=chain_id(parent, diff_id),
                name=one["id"],
                parent=parent,
                diff_id=diff_id,
                size=max(one.get("diff-size") or 0, 0),
                created=from_rfc3339(one.get("created") or ""),
            )
        )
    return tuple(found)


def _pile(top: str, layers: Mapping[str, Record]) -> Iterator[Record]:
    """The records of a layer and all below it."""
    while top:
        layer = layers.get(top)
        if layer is None:
            raise Corrupt(f"layer {top} is not there")
        if (layer.get("flags") or {}).get("incomplete"):
            raise Corrupt(f"layer {top} is not complete")
        if layer.get("uidmap") or layer.get("gidmap"):
            raise Corrupt(f"layer {top} has been given to other owners")
        yield layer
        top = layer.get("parent") or ""


def fill(images: Sequence[Image], driver: str, tables: Made) -> None:
    """Write the images as the rows of a store."""
    tables.add("settings", name="storage_driver", value=driver)
    sizes = {digest: size for image in images for digest, size in image.sizes.items()}
    for digest, size in sizes.items():
        tables.add("blobs", digest=digest, size=size, media_type="", created=0)
    layers = {layer.id: layer for image in images for layer in image.layers}
    for layer in layers.values():
        tables.add(
            "layers",
            id=layer.id,
            parent=layer.parent or None,
            diff_id=layer.diff_id,
            driver=driver,
            size=layer.size,
            inodes=0,
            created=layer.created,
        )
    by_id: dict[str, Image] = {}
    for image in images:
        identity = image.manifest.config.digest.partition(":")[2]
        if by_id.setdefault(identity, image) is image:
            _fill_image(tables, identity, image)
        _fill_names(tables, identity, image)


def _fill_image(tables: Made, identity: str, image: Image) -> None:
    tables.add(
        "images",
        id=identity,
        manifest=image.manifest_digest,
        manifest_type=image.manifest.media_type,
        top_layer=image.layers[-1].id if image.layers else None,
        created=image.config.created,
        added=image.added,
        size=sum(layer.size for layer in image.layers),
        os=image.config.os,
        architecture=image.config.architecture,
        variant=image.config.variant,
        labels=json.dumps(image.config.labels),
        pinned=0,
    )
    for digest in image.files:
        tables.add("image_blobs", image=identity, digest=digest)


def _fill_names(tables: Made, identity: str, image: Image) -> None:
    """Its names, and by which digests its repositories know it."""
    repositories = set()
    for name in image.names:
        repository, at, digest = name.partition("@")
        if at:
            tables.add("image_digests", image=identity, repository=repository, digest=digest)
            continue
        repositories.add(name.rpartition(":")[0])
        tables.add("image_names", name=name, image=identity, tagged=image.added)
    for repository in repositories:
        for digest in image.digests:
            tables.add("image_digests", image=identity, repository=repository, digest=digest)
