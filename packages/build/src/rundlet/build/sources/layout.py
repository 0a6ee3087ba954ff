"""Source images in OCI layouts, and copies of them in registries (buildah-source(1)).

An image whose config has a media type of its own; each layer is a gzipped tar of an artifact:
an archive, a source tree, a package.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import time

from rundlet.core.archive.create import write_tree
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.content.compress import compressed
from rundlet.core.content.produced import Produced
from rundlet.core.contracts.transport import ManifestBytes
from rundlet.core.errors import AlreadyExists, InvalidArgument, NotFound
from rundlet.core.format.times import rfc3339
from rundlet.core.images import manifest as manifests
from rundlet.core.images.copy import CopyOptions, copy
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.images.progress import SILENT
from rundlet.core.images.reference import is_short
from rundlet.core.images.telling import told
from rundlet.core.transports.layout import blob_name, split
from rundlet.core.transports.oci import locked_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.contracts.transport import ImageSource, Location, TransportSettings
    from rundlet.core.images.progress import Progress
    from rundlet.core.streams import Writable

CONFIG = "application/vnd.oci.source.image.config.v1+json"
_LAYER = f"{manifests.OCI_LAYER}+gzip"
_REF_NAME = "org.opencontainers.image.ref.name"


def create(
    engine: Engine, path: str, settings: TransportSettings, *, author: str = "", timed: bool = True
) -> None:
    """Make a source image without artifacts. path: of a layout, PATH[:NAME].

    timed: whether it says when it was made. Raises AlreadyExists.
    """
    if _is_there(engine, path, settings):
        raise AlreadyExists(f"creating source image: {path!r} already exists")
    document = {"created": rfc3339(time.time_ns())} if timed else {}
    config = json.dumps({**document, **({"author": author} if author else {})}).encode()
    transport = engine.plugins.transport("oci")
    with transport.destination(transport.parse(path), settings) as target:
        described = target.put_blob(Descriptor("", len(config), CONFIG), io.BytesIO(config))
        target.put_manifest(_composed(described.replace(media_type=CONFIG), []))
        target.commit()


def add(
    engine: Engine,
    path: str,
    artifact: str,
    settings: TransportSettings,
    annotations: Mapping[str, str],
) -> None:
    """Add a file, or all that is in a directory, as one more layer.

    Raises NotFound for what is not there, InvalidArgument for a layout of other images.
    """
    if not os.path.lexists(artifact):
        raise NotFound(f"{artifact}: no such file or directory")
    directory, wanted = split(path)
    if not os.path.isdir(directory):
        raise NotFound(f"{directory}: no such file or directory")
    transport = engine.plugins.transport("oci")
    location = transport.parse(path)
    guard = os.open(os.path.join(directory, "oci-layout"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)  # of who adds; the index has a lock of its own
        with transport.source(location, settings) as source:
            before = _manifest(source, location)
        with transport.destination(location, settings) as target, _archive(artifact) as body:
            layer = target.put_blob(Descriptor("", -1, _LAYER), body)
            layers = [*before.layers, layer.replace(media_type=_LAYER, annotations=annotations)]
            composed = _composed(before.config, layers)
            written = target.put_blob(
                Descriptor("", len(composed.data), composed.media_type), io.BytesIO(composed.data)
            )
        _replace(directory, wanted, before.digest, written.replace(media_type=composed.media_type))
    finally:
        os.close(guard)


def pull(
    engine: Engine, name: str, path: str, settings: TransportSettings, progress: Progress = SILENT
) -> None:
    """Copy a source image from a registry. Raises AlreadyExists, InvalidArgument for another."""
    if _is_there(engine, path, settings):
        raise AlreadyExists(f"{path!r} already exists")
    registry, layout = engine.plugins.transport("docker"), engine.plugins.transport("oci")
    location = registry.parse(f"//{_full(name, 'pulling')}")
    with registry.source(location, told(engine, settings)) as source:
        _manifest(source, location)
        with layout.destination(layout.parse(path), settings) as target:
            copy(source, target, CopyOptions(), progress)


def push(
    engine: Engine, path: str, name: str, settings: TransportSettings, progress: Progress = SILENT
) -> str:
    """Copy a source image to a registry; its digest there."""
    registry, layout = engine.plugins.transport("docker"), engine.plugins.transport("oci")
    location = registry.parse(f"//{_full(name, 'pushing')}")
    place = layout.parse(path)
    with layout.source(place, settings) as source:
        _manifest(source, place)
        with registry.destination(location, told(engine, settings)) as target:
            return copy(source, target, CopyOptions(), progress).digest


class _Found(manifests.Manifest):
    """A manifest, and its digest."""

    digest: str = ""


def _manifest(source: ImageSource, location: Location) -> _Found:
    """The manifest of a source image. Raises InvalidArgument for another kind of image."""
    top = source.manifest()
    found = manifests.parse(top.data, top.media_type)
    if not isinstance(found, manifests.Manifest) or found.config.media_type != CONFIG:
        kind = found.config.media_type if isinstance(found, manifests.Manifest) else top.media_type
        raise InvalidArgument(
            f"{location}: invalid media type of image config {kind!r} (expected: {CONFIG!r})"
        )
    from rundlet.core.images.digests import digest_of

    return _Found(**found.__dict__, digest=digest_of(top.data))


def _composed(config: Descriptor, layers: list[Descriptor]) -> ManifestBytes:
    kind = manifests.OCI_MANIFEST
    return ManifestBytes(manifests.compose(kind, config, layers), kind)


def _archive(artifact: str) -> Produced:
    """The gzipped tar of a file, or of what is in a directory."""
    whole = os.path.abspath(artifact)
    root, only = (whole, None) if os.path.isdir(whole) else os.path.split(whole)

    def write(out: Writable) -> None:
        names = None if only is None else (only,)
        with Produced(lambda raw: write_tree(root, raw, whiteouts=PLAIN, only=names)) as tar:
            body = compressed(tar, "gzip")
            while piece := body.read(1 << 18):
                out.write(piece)

    return Produced(write)


def _replace(directory: str, name: str, before: str, now: Descriptor) -> None:
    """Put a manifest in the place of another in the layout's index; the other one goes."""
    with locked_index(directory) as index:
        for item in index["manifests"]:
            if item["digest"] == before and _named(item, name):
                item.update(digest=now.digest, size=now.size)
        kept = {item["digest"] for item in index["manifests"]}
    if before not in kept:
        os.unlink(os.path.join(directory, blob_name(before)))


def _named(item: Mapping[str, Any], name: str) -> bool:
    own = (item.get("annotations") or {}).get(_REF_NAME, "")
    return not name or name.startswith("@") or own == name


def _is_there(engine: Engine, path: str, settings: TransportSettings) -> bool:
    """Whether a layout has this image, or there is something else at its path."""
    directory, name = split(path)
    if not os.path.lexists(directory):
        return False
    if not name or not os.path.exists(os.path.join(directory, "index.json")):
        return True
    transport = engine.plugins.transport("oci")
    return name in transport.tags(transport.parse(path), settings)


def _full(name: str, doing: str) -> str:
    bare = name.removeprefix("docker://")
    if is_short(bare):
        raise InvalidArgument(
            f"{doing} source images by short name ({name!r}) is not supported",
            remedy="Give the registry too.",
        )
    return bare
