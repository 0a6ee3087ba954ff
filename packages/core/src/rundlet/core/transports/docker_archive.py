"""`docker-archive:path[:name|:@N]`: the tar files of `docker save` and `podman save`.

Format: moby/docker-image-spec v1.2, "Combined Image JSON + Filesystem Changeset Format":
`manifest.json` lists images, each with a config file, names and layer tars. Such a file
has no registry manifest: one is made up of the config and the layers, which are known by
the digests of their plain content.
"""

from __future__ import annotations

import io
import json
import os

from ..content.compress import PIECE, decompressed, detect
from ..content.verify import verified
from ..contracts.transport import (
    ImageDestination,
    ImageSource,
    ImageTransport,
    Location,
    ManifestBytes,
)
from ..errors import Corrupt, InvalidArgument, NoSuchImage, NotFound
from ..hookspecs import hookimpl
from ..images.descriptor import Descriptor, digest_parts
from ..images.digests import digest_of
from ..images.reference import parse as parse_name
from . import docker_archive_images as archived
from . import layout
from .tarball import TarIndex, TarOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..contracts.transport import TransportSettings
    from ..streams import ReadableFile
    from .docker_archive_images import ArchivedImage

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return DockerArchiveTransport() if name == DockerArchiveTransport.name else None


class DockerArchiveSource(ImageSource):
    """One image of an archive, opened for reading."""

    def __init__(self, location: Location, wanted: str, index: TarIndex) -> None:
        self.location = location
        self._index = index
        self._images = archived.read(index)
        image = archived.select(self._images, wanted, location)
        try:
            self._config = index.read(image.config, layout.MOST_MANIFEST_BYTES)
        except NotFound:
            raise Corrupt(f"{location}: config {image.config} is missing") from None
        self._config_digest = digest_of(self._config)
        self._layers = dict(zip(self._diff_ids(image), image.layers, strict=True))
        self._order = self._diff_ids(image)

    def manifest(self, digest: str = "") -> ManifestBytes:
        if digest:
            raise NotFound(f"{self.location}: manifest {digest} is missing")
        config = {
            "mediaType": DOCKER_CONFIG,
            "digest": self._config_digest,
            "size": len(self._config),
        }
        layers = [
            {"mediaType": DOCKER_LAYER, "digest": each, "size": self._size(each)}
            for each in self._order
        ]
        document = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": config,
            "layers": layers,
        }
        return ManifestBytes(json.dumps(document, separators=(",", ":")).encode(), DOCKER_MANIFEST)

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        if descriptor.digest == self._config_digest:
            return io.BytesIO(self._config[offset:])
        stream = self._open(descriptor.digest)
        while offset:
            offset -= len(stream.read(min(offset, PIECE)) or bytes(offset))
        return stream

    def tags(self) -> Sequence[str]:
        return archived.names(self._images)

    def close(self) -> None:
        self._index.close()

    def _open(self, digest: str) -> ReadableFile:
        """A layer's plain content, compressed in the archive or not."""
        name = self._layers.get(digest)
        if name is None or not self._index.has(name):
            raise NotFound(f"{self.location}: blob {digest} is missing")
        return decompressed(self._index.open(name))

    def _size(self, digest: str) -> int:
        name = self._layers[digest]
        try:
            with self._index.open(name) as raw:
                compression = detect(raw.read(6))
        except NotFound:
            raise Corrupt(f"{self.location}: layer {name} is missing") from None
        if not compression:
            return self._index.size(name)
        size = 0
        with self._open(digest) as stream:
            while piece := stream.read(PIECE):
                size += len(piece)
        return size

    def _diff_ids(self, image: ArchivedImage) -> list[str]:
        try:
            found = [str(item) for item in json.loads(self._config)["rootfs"]["diff_ids"]]
            for item in found:
                digest_parts(item)
        except (ValueError, KeyError, TypeError, InvalidArgument, RecursionError):
            raise Corrupt(
                f"{self.location}: damaged config {image.config}: no rootfs.diff_ids"
            ) from None
        if len(found) != len(image.layers):
            raise Corrupt(
                f"{self.location}: {len(image.layers)} layers, but the config has {len(found)}"
            )
        return found


class DockerArchiveDestination(ImageDestination):
    """An image being written to an archive, which appears at `commit`.

    first: the destination that made the file, for a further image in it.
    """

    accepts = (DOCKER_MANIFEST, layout.MANIFEST)
    compress = "uncompressed"

    def __init__(
        self, location: Location, path: str, name: str, first: DockerArchiveDestination | None
    ) -> None:
        self.location = location
        self._path = path
        self._name = name
        self._first = first
        self._item: dict[str, Any] | None = None
        self._committed: dict[str, Any] | None = None
        self._images = [self]
        self._output: TarOutput = first._output if first is not None else TarOutput(path)
        self._files: dict[str, str] = first._files if first is not None else {}  # by digest
        if first is not None:
            first._images.append(self)

    def has_blob(self, descriptor: Descriptor) -> bool:
        return descriptor.digest in self._files

    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        what = f"blob {descriptor.digest or '(new)'} for {self.location}"
        checked = verified(stream, descriptor, what)
        name = self._output.add(checked, lambda: _file_name(descriptor, checked.descriptor.digest))
        self._files[checked.descriptor.digest] = name
        return checked.complete(descriptor)

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        try:
            document = json.loads(manifest.data)
            digests = [document["config"]["digest"]]
            digests += [item["digest"] for item in document["layers"]]
        except (ValueError, KeyError, TypeError):
            raise InvalidArgument(
                f"{self.location}: cannot hold this manifest: config and layers have no digests"
            ) from None
        missing = [each for each in digests if each not in self._files]
        if missing:
            raise InvalidArgument(f"{self.location}: {', '.join(missing)} was not written before")
        config, *layers = (self._files[each] for each in digests)
        names = [self._name] if self._name else []
        self._item = {"Config": config, "RepoTags": names, "Layers": layers}

    def another(self, location: Location) -> DockerArchiveDestination:
        path, name = layout.split(location.path)
        if path != self._path:
            raise InvalidArgument(f"{location} is another file than {self.location}")
        return DockerArchiveDestination(location, path, name, self._first or self)

    def commit(self) -> None:
        if self._item is None:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        self._committed = self._item
        items: dict[str, dict[str, Any]] = {}
        for image in (self._first or self)._images:
            if image._committed is None:
                return  # the last one finishes the file
            known = items.setdefault(image._committed["Config"], image._committed)
            known["RepoTags"] = sorted({*known["RepoTags"], *image._committed["RepoTags"]})
        data = json.dumps(list(items.values()), separators=(",", ":")).encode()
        self._output.add_bytes("manifest.json", data)
        self._output.commit()

    def close(self) -> None:
        if self._first is None:
            self._output.close()


class DockerArchiveTransport(ImageTransport):
    """Images in `docker save` archives."""

    name = "docker-archive"

    def parse(self, text: str) -> Location:
        path, reference = layout.split(text)
        canonical = os.path.abspath(path)
        if ":" in canonical:
            raise InvalidArgument(f"{self.name}:{text}: the path must not contain ':'")
        if not reference:
            return Location(self.name, canonical)
        if reference.startswith("@"):
            if not reference[1:].isdecimal():
                raise InvalidArgument(f"{self.name}:{text}: images have no digests there")
            return Location(self.name, f"{canonical}:{reference}")
        name = str(parse_name(reference).tagged())
        return Location(self.name, f"{canonical}:{name}", name)

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        path, wanted = layout.split(location.path)
        index = _open(path, location, settings)
        try:
            return DockerArchiveSource(location, wanted, index)
        except BaseException:
            index.close()
            raise

    def destination(
        self, location: Location, settings: TransportSettings
    ) -> DockerArchiveDestination:
        path, name = layout.split(location.path)
        if name.startswith("@"):
            raise InvalidArgument(f"{location}: cannot write to {name}; give a name, or none")
        return DockerArchiveDestination(location, path, name, None)

    def tags(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        index = _open(layout.split(location.path)[0], location, settings)
        try:
            return archived.names(archived.read(index))
        finally:
            index.close()


def _file_name(descriptor: Descriptor, digest: str) -> str:
    """The name of a blob in the archive, as podman names them: HEX.json or HEX.tar."""
    is_config = descriptor.media_type in (DOCKER_CONFIG, OCI_CONFIG)
    return digest_parts(digest)[1] + (".json" if is_config else ".tar")


def _open(path: str, location: Location, settings: TransportSettings) -> TarIndex:
    temporary = os.fspath(settings.temporary) if settings.temporary else ""
    try:
        return TarIndex(path, temporary)
    except NotFound:
        raise NoSuchImage(str(location)) from None
