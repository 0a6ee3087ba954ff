"""`oci-archive:path[:ref|@digest]`: an OCI image layout in a tar file."""

from __future__ import annotations

import io
import json
import os

from ..content.verify import verified
from ..contracts.transport import ImageDestination, ImageTransport
from ..errors import InvalidArgument, NoSuchImage, NotFound
from ..hookspecs import hookimpl
from ..images.descriptor import Descriptor
from . import layout
from .oci import location as parse_location
from .oci import refuse_position
from .tarball import TarIndex, TarOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import (
        ImageSource,
        Location,
        ManifestBytes,
        TransportSettings,
    )
    from ..streams import ReadableFile


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return OciArchiveTransport() if name == OciArchiveTransport.name else None


class OciArchiveDestination(ImageDestination):
    """An image being written to a tar file, which replaces what is there at `commit`.

    first: the destination that made the file, for a further image in it.
    """

    accepts = (layout.MANIFEST, layout.INDEX)

    def __init__(
        self, location: Location, path: str, name: str, first: OciArchiveDestination | None = None
    ) -> None:
        self.location = location
        self._path = path
        self._name = name
        self._first = first
        self._output: TarOutput
        self._top: Descriptor | None = None
        self._committed: Descriptor | None = None
        self._images = [self]
        if first is not None:
            self._output = first._output
            first._images.append(self)
            return
        self._output = TarOutput(path)
        self._output.add_directory("blobs")
        self._output.add_directory("blobs/sha256")

    def has_blob(self, descriptor: Descriptor) -> bool:
        return bool(descriptor.digest) and self._output.has(layout.blob_name(descriptor.digest))

    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        what = f"blob {descriptor.digest or '(new)'} for {self.location}"
        checked = verified(stream, descriptor, what)
        self._output.add(checked, lambda: layout.blob_name(checked.descriptor.digest))
        return checked.complete(descriptor)

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        descriptor = Descriptor(digest, len(manifest.data), manifest.media_type)
        found = self.put_blob(descriptor, io.BytesIO(manifest.data))
        if not digest:
            self._top = found

    def another(self, location: Location) -> OciArchiveDestination:
        path, name = layout.split(location.path)
        if path != self._path:
            raise InvalidArgument(f"{location} is another file than {self.location}")
        refuse_position(location, name)
        return OciArchiveDestination(location, path, name, self._first or self)

    def commit(self) -> None:
        if self._top is None:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        self._committed = self._top
        images = (self._first or self)._images
        index = layout.new_index()
        for image in images:
            if image._committed is None:
                return  # the last one finishes the file
            index = layout.with_manifest(index, image._committed, image._name)
        self._output.add_bytes("index.json", json.dumps(index, separators=(",", ":")).encode())
        self._output.add_bytes("oci-layout", layout.LAYOUT)
        self._output.commit()

    def close(self) -> None:
        if self._first is None:
            self._output.close()


class OciArchiveTransport(ImageTransport):
    """Images in tar files of OCI layouts."""

    name = "oci-archive"

    def parse(self, text: str) -> Location:
        return parse_location(self.name, text)

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        path, wanted = layout.split(location.path)
        files = _open(path, location, settings)
        try:
            return layout.LayoutSource(location, wanted, files)
        except BaseException:
            files.close()
            raise

    def destination(self, location: Location, settings: TransportSettings) -> OciArchiveDestination:
        path, name = layout.split(location.path)
        refuse_position(location, name)
        return OciArchiveDestination(location, path, name)

    def tags(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        path, _ = layout.split(location.path)
        files = _open(path, location, settings)
        try:
            data = files.read("index.json", layout.MOST_MANIFEST_BYTES)
        except NotFound:
            raise NoSuchImage(f"{location} (no index.json in it)") from None
        finally:
            files.close()
        return layout.names(layout.parse_index(data, path))


def _open(path: str, location: Location, settings: TransportSettings) -> TarIndex:
    temporary = os.fspath(settings.temporary) if settings.temporary else ""
    try:
        return TarIndex(path, temporary)
    except NotFound:
        raise NoSuchImage(str(location)) from None
