"""Signing an image where it is: signature files for it, beside no copy (podman-image-sign(1))."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import InvalidArgument, NotSupported
from ..images import manifest as manifests
from ..images.descriptor import digest_parts
from ..images.digests import check_manifest, digest_of
from ..images.names import split_transport
from ..images.reference import parse
from ..images.telling import told
from . import lookaside, registries_d

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contracts.transport import ImageSource, Location, TransportSettings
    from ..engine import Engine
    from .signing import Signing


def sign(
    engine: Engine,
    name: str,
    signing: Signing,
    *,
    settings: TransportSettings,
    directory: str = "",
    instances: bool = False,
) -> None:
    """Add signature files for an image of any transport whose images have docker names.

    directory: instead of the image's lookaside store. instances: sign those of an index, instead
    of its top manifest. Raises InvalidArgument, NoSuchImage, NotSupported.
    """
    named, text = split_transport(engine, name) or ("docker", f"//{name}")
    transport = engine.plugins.transport(named)
    location = transport.parse(text)
    base = directory or _store(engine, location)
    with transport.source(location, told(engine, settings)) as source:
        for digest in _digests(source, location, instances):
            (signature,) = signing.made(digest, str(location), location.name)
            algorithm, encoded = digest_parts(digest)
            place = f"{base}/{parse(location.name).path}@{algorithm}={encoded}"
            lookaside.write_to(place, [signature], after=True)


def _digests(source: ImageSource, location: Location, instances: bool) -> Iterator[str]:
    top = source.manifest()
    if not instances:
        yield digest_of(top.data)
        return
    index = manifests.parse(top.data, top.media_type)
    if not isinstance(index, manifests.Index):
        raise InvalidArgument(
            f"{location} is not a multi-architecture image (manifest type {index.media_type})"
        )
    for item in index.manifests:
        check_manifest(source.manifest(item.digest).data, item.digest)
        yield item.digest


def _store(engine: Engine, location: Location) -> str:
    """The directory of the store that signatures of an image are written to."""
    said = registries_d.load(engine.settings.registries_d)
    url = said.stores(location).write or lookaside.usual()
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise NotSupported(
            f"signatures cannot be written to {url}", remedy="Give --directory DIRECTORY."
        )
    return unquote(parts.path).rstrip("/")
