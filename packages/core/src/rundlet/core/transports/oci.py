"""`oci:path[:ref|@digest]`: images in a directory, as an OCI image layout.

Several writers at once are safe: blobs appear under their digests whole, and
`index.json` is read, changed and replaced under a lock (flock(2) on the directory, so
that nothing is left in it).
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from contextlib import contextmanager

from ..content.verify import verified
from ..contracts.transport import ImageDestination, ImageTransport, Location
from ..errors import Corrupt, InvalidArgument, NoSuchImage, NotFound
from ..hookspecs import hookimpl
from ..images.descriptor import Descriptor
from ..trust.stored import is_simple
from . import layout, layout_signatures
from .files import PIECE, NewFile, failing, left_hidden, write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..contracts.transport import ImageSource, ManifestBytes, TransportSettings
    from ..streams import ReadableFile


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return OciTransport() if name == OciTransport.name else None


class DirectoryFiles:
    """The files of a layout in a directory. shared: where its blobs are instead, or ""."""

    def __init__(self, path: str, shared: str = "") -> None:
        self._path = path
        self._shared = shared

    def read(self, name: str, limit: int) -> bytes:
        """A whole small file. Raises NotFound, Corrupt when it is larger than `limit`."""
        with self.open(name) as file, failing(name, "reading"):
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Corrupt(f"{self._path}/{name} is larger than {limit} bytes")
        return data

    def open(self, name: str, offset: int = 0) -> ReadableFile:
        """Open a file for reading from `offset`. Raises NotFound."""
        path = os.path.join(self._path, name)
        if self._shared and name.startswith("blobs/"):
            path = os.path.join(self._shared, name.removeprefix("blobs/"))
        with failing(path):
            file = io.BufferedReader(io.FileIO(path))
        file.seek(offset)
        return file

    def close(self) -> None:
        """Nothing is held."""


class OciDestination(ImageDestination):
    """An image being written to a layout directory. Its blobs are there before it is.

    shared: the directory that its blobs go to instead, as ALGORITHM/HEX, or "".
    """

    accepts = (layout.MANIFEST, layout.INDEX)

    def __init__(self, location: Location, path: str, name: str, shared: str = "") -> None:
        self.location = location
        self._path = path
        self._name = name
        self._blobs = shared or os.path.join(path, "blobs")
        self._top: Descriptor | None = None
        self._manifests: dict[str, Descriptor] = {}
        self._signed: list[tuple[str, Sequence[bytes]]] = []
        with failing(path, "making the layout"):
            os.makedirs(os.path.join(path, "blobs", "sha256"), exist_ok=True)
            os.makedirs(os.path.join(self._blobs, "sha256"), exist_ok=True)
        # What is found here now must be here still when the index names it.
        self._lock = lock_blobs(path, fcntl.LOCK_SH)

    def has_blob(self, descriptor: Descriptor) -> bool:
        if not descriptor.digest:
            return False
        path = self._blob_path(descriptor.digest)
        return os.path.isfile(path) and descriptor.size in (-1, os.path.getsize(path))

    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        what = f"blob {descriptor.digest or '(new)'} for {self.location}"
        checked = verified(stream, descriptor, what)
        with failing(self._path, "writing to"):
            new = NewFile(os.path.join(self._blobs, "new"))
            try:
                while piece := checked.read(PIECE):
                    new.write(piece)
                found = checked.complete(descriptor)
                path = self._blob_path(found.digest)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                new.publish(path)
            finally:
                new.close()
        return found

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        descriptor = Descriptor(digest, len(manifest.data), manifest.media_type)
        found = self.put_blob(descriptor, io.BytesIO(manifest.data))
        self._manifests[digest] = found
        if not digest:
            self._top = found

    def put_signatures(self, signatures: Sequence[bytes], digest: str = "") -> None:
        """Those of sigstore, in the layout itself: written by `commit`."""
        if any(map(is_simple, signatures)):
            super().put_signatures(signatures, digest)
        self._signed.append((digest, signatures))

    def commit(self) -> None:
        if self._top is None:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        with failing(self._path, "writing to"), locked_index(self._path) as index:
            layout_file = os.path.join(self._path, "oci-layout")
            if not os.path.exists(layout_file):
                write_whole(layout_file, layout.LAYOUT)
            index.update(layout.with_manifest(index, self._top, self._name))
            for digest, signatures in self._signed:
                layout_signatures.write(index, self._manifests[digest], signatures, self)

    def read(self, item: Descriptor) -> bytes:
        """A manifest that is here. Raises NotFound, Corrupt."""
        files = DirectoryFiles(self._path, os.path.abspath(self._blobs))
        return files.read(layout.blob_name(item.digest), layout.MOST_MANIFEST_BYTES)

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _blob_path(self, digest: str) -> str:
        return os.path.join(self._blobs, layout.blob_name(digest).removeprefix("blobs/"))


def lock_blobs(path: str, how: int) -> int:
    """Lock a layout's blobs: shared among writers, exclusive for who deletes some. Waits, but with
    LOCK_NB in `how` raises StoreError where others have them locked.

    A descriptor; closing it unlocks.
    """
    with failing(path, "locking"):
        blobs = os.open(os.path.join(path, "blobs"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(blobs, how)
        except BaseException:
            os.close(blobs)
            raise
    return blobs


def _shared(settings: TransportSettings) -> str:
    """The directory of shared blobs that the client names, or ""."""
    return str(settings.options.get("shared_blob_dir") or "")


@contextmanager
def locked_index(path: str) -> Iterator[dict[str, Any]]:
    """The layout's index, to be changed in place: written back at the end, unless it raises."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        name = os.path.join(path, "index.json")
        for left in left_hidden(name):  # of one that was killed: nobody else writes it now
            os.unlink(left)
        try:
            with open(name, "rb") as file:
                data = file.read()
            index = layout.parse_index(data, path)
        except FileNotFoundError:
            index = layout.new_index()
        yield index
        write_whole(name, json.dumps(index, separators=(",", ":")).encode())
        os.fsync(directory)
    finally:
        os.close(directory)


class OciTransport(ImageTransport):
    """Images in OCI layout directories.

    Of `TransportSettings.options` it knows shared_blob_dir: a directory of blobs that several
    layouts share.
    """

    name = "oci"

    def parse(self, text: str) -> Location:
        return location(self.name, text)

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        path, wanted = layout.split(location.path)
        return layout.LayoutSource(location, wanted, DirectoryFiles(path, _shared(settings)))

    def destination(self, location: Location, settings: TransportSettings) -> OciDestination:
        path, name = layout.split(location.path)
        refuse_position(location, name)
        return OciDestination(location, path, name, _shared(settings))

    def tags(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        path, _ = layout.split(location.path)
        try:
            data = DirectoryFiles(path).read("index.json", layout.MOST_MANIFEST_BYTES)
        except NotFound:
            raise NoSuchImage(f"{location} (no index.json there)") from None
        return layout.names(layout.parse_index(data, path))

    def delete(self, location: Location, settings: TransportSettings) -> None:
        """Take the image and its signatures out of the index, and delete blobs that no other image
        needs.
        """
        path, wanted = layout.split(location.path)
        if not os.path.exists(os.path.join(path, "index.json")):
            raise NoSuchImage(f"{location} (no index.json there)")
        files = DirectoryFiles(path, _shared(settings))
        lock = lock_blobs(path, fcntl.LOCK_EX)
        try:
            with failing(path, "deleting from"), locked_index(path) as index:
                chosen = layout.select(index, wanted, location)
                gone = [chosen, *layout_signatures.alone_with(index, chosen, files)]
                rest = index
                for item in gone:
                    rest = layout.without_name(rest, item)
                index.update(rest)
            if not _shared(settings):  # others may need shared ones
                _unlink_unneeded(path, files, gone, rest["manifests"])
        finally:
            os.close(lock)


def _unlink_unneeded(
    path: str, files: DirectoryFiles, gone: list[Descriptor], rest: list[dict[str, Any]]
) -> None:
    """Delete what manifests name, and themselves, as far as the rest of the index does not."""
    items = [{"digest": item.digest} for item in gone]
    for unneeded in reachable(files, items) - reachable(files, rest):
        try:
            os.unlink(os.path.join(path, layout.blob_name(unneeded)))
        except FileNotFoundError:
            pass


def location(transport: str, text: str) -> Location:
    """The location of a layout: an absolute path, and the reference as it was given."""
    path, reference = layout.split(text)
    canonical = os.path.abspath(path)
    if ":" in canonical:
        raise InvalidArgument(f"{transport}:{text}: the path {canonical} must not contain ':'")
    if not reference:
        return Location(transport, canonical)
    if reference.startswith("@"):
        return Location(transport, f"{canonical}:{reference}")
    return Location(transport, f"{canonical}:{reference}", reference)


def refuse_position(location: Location, name: str) -> None:
    """A new image has no digest or position to be written under."""
    if name.startswith("@"):
        raise InvalidArgument(f"{location}: cannot write to {name}", remedy="give a name, or none")


def reachable(files: DirectoryFiles, items: list[dict[str, Any]]) -> set[str]:
    """Digests of manifests and of all that they name. What cannot be read names nothing."""
    found: set[str] = set()
    pending = [str(item["digest"]) for item in items]
    while pending:
        digest = pending.pop()
        if digest in found:
            continue
        found.add(digest)
        try:
            document = json.loads(files.read(layout.blob_name(digest), layout.MOST_MANIFEST_BYTES))
            pending += [str(item["digest"]) for item in document.get("manifests", ())]
            blobs = [document.get("config"), *document.get("layers", ())]
            found.update(layout.descriptor_of(blob).digest for blob in blobs if blob)
        except (NotFound, Corrupt, InvalidArgument, ValueError, KeyError, TypeError):
            continue
        except AttributeError:  # JSON, but no object
            continue
    return found
