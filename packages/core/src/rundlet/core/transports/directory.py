"""`dir:path`: one image as plain files, for looking at and for tests.

Format: containers/image directory transport 1.1: `version`, `manifest.json`, blobs
named by the hex digits of their digests, manifests of instances as `HEX.manifest.json`,
signatures as `signature-1` and so on, of an instance as `HEX.signature-1`.
"""

from __future__ import annotations

import ctypes
import os

from ..content.verify import verified
from ..contracts.transport import (
    ImageDestination,
    ImageSource,
    ImageTransport,
    Location,
    ManifestBytes,
)
from ..errors import AlreadyExists, Corrupt, InvalidArgument, NoSuchImage, NotFound
from ..hookspecs import hookimpl
from ..images.descriptor import digest_parts
from . import layout
from .files import PIECE, HiddenDirectory, NewFile, failing
from .oci import DirectoryFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import TransportSettings
    from ..images.descriptor import Descriptor
    from ..streams import ReadableFile

_VERSION = b"Directory Transport Version: 1.1\n"
_VERSION_PREFIX = b"Directory Transport Version: "
_MOST_SIGNATURES = 1000
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return DirectoryTransport() if name == DirectoryTransport.name else None


class DirectorySource(ImageSource):
    """The image of a directory, opened for reading."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._files = DirectoryFiles(location.path)
        try:
            self._top = self._files.read("manifest.json", layout.MOST_MANIFEST_BYTES)
        except NotFound:
            raise NoSuchImage(f"{location} (no manifest.json there)") from None

    def manifest(self, digest: str = "") -> ManifestBytes:
        data, name = self._top, "manifest.json"
        if digest:
            name = f"{digest_parts(digest)[1]}.manifest.json"
            try:
                data = self._files.read(name, layout.MOST_MANIFEST_BYTES)
            except NotFound:
                raise NotFound(f"{self.location}: manifest {digest} is missing") from None
        return ManifestBytes(data, layout.media_type(data, f"{self.location}: {name}"))

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        try:
            return self._files.open(digest_parts(descriptor.digest)[1], offset)
        except NotFound:
            raise NotFound(f"{self.location}: blob {descriptor.digest} is missing") from None

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        found: list[bytes] = []
        while len(found) < _MOST_SIGNATURES:
            try:
                name = _signature_name(digest, len(found))
                found.append(self._files.read(name, layout.MOST_MANIFEST_BYTES))
            except NotFound:
                break
        return found


def _signature_name(digest: str, number: int) -> str:
    prefix = f"{digest_parts(digest)[1]}." if digest else ""
    return f"{prefix}signature-{number + 1}"


class DirectoryDestination(ImageDestination):
    """An image being written beside its place, and put there at `commit`.

    paths: blobs by digest in directories of other images: linked from there, and noted there.
    """

    def __init__(self, location: Location, paths: dict[str, str] | None = None) -> None:
        self.location = location
        self._paths = {} if paths is None else paths
        self._written: list[str] = []
        self._path = location.path
        self._complete = False
        _refuse_strangers(self._path)
        with failing(self._path, "making"):
            self._hidden = HiddenDirectory(self._path)
        self._work = self._hidden.name

    def has_blob(self, descriptor: Descriptor) -> bool:
        if not descriptor.digest:
            return False
        path = os.path.join(self._work, digest_parts(descriptor.digest)[1])
        return os.path.isfile(path) or self._linked(descriptor.digest, path)

    def _linked(self, digest: str, path: str) -> bool:
        """Take a blob from another image's directory, where the file system can link."""
        known = self._paths.get(digest)
        if not known:
            return False
        try:
            os.link(known, path, follow_symlinks=False)
        except OSError:  # gone, or on another file system: it is copied then
            return False
        return True

    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        what = f"blob {descriptor.digest or '(new)'} for {self.location}"
        checked = verified(stream, descriptor, what)
        with failing(self._work, "writing to"):
            new = NewFile(os.path.join(self._work, "new"))
            try:
                while piece := checked.read(PIECE):
                    new.write(piece)
                encoded = digest_parts(checked.descriptor.digest)[1]
                new.publish(os.path.join(self._work, encoded))
            finally:
                new.close()
        self._written.append(checked.descriptor.digest)
        self._note(self._work)
        return checked.complete(descriptor)

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        name = f"{digest_parts(digest)[1]}.manifest.json" if digest else "manifest.json"
        self._write(name, manifest.data)
        self._complete = self._complete or not digest

    def put_signatures(self, signatures: Sequence[bytes], digest: str = "") -> None:
        for number, signature in enumerate(signatures):
            self._write(_signature_name(digest, number), signature)

    def commit(self) -> None:
        if not self._complete:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        self._write("version", _VERSION)
        _refuse_strangers(self._path)
        with failing(self._path, "writing to"):
            try:
                os.rename(self._work, self._path)  # nothing there, or an empty directory
            except OSError:
                _exchange(self._work, self._path)
            self.close()
        self._note(self._path)

    def _note(self, directory: str) -> None:
        """Where the blobs that were written are now, for other images."""
        for digest in self._written:
            self._paths[digest] = os.path.join(directory, digest_parts(digest)[1])

    def close(self) -> None:
        self._hidden.close()

    def _write(self, name: str, data: bytes) -> None:
        with failing(self._work, "writing to"):
            new = NewFile(os.path.join(self._work, name))
            try:
                new.write(data)
                new.publish()
            finally:
                new.close()


class DirectoryTransport(ImageTransport):
    """An image in a directory of plain files.

    Of `TransportSettings.options` it knows blob_paths: a dict that the destinations of several
    images share, by which they link blobs instead of writing them again.
    """

    name = "dir"

    def parse(self, text: str) -> Location:
        if not text or "\0" in text:
            raise InvalidArgument(f"dir:{text}: expected dir:PATH")
        return Location(self.name, os.path.abspath(text))

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        return DirectorySource(location)

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        return DirectoryDestination(location, settings.options.get("blob_paths"))


def _refuse_strangers(path: str) -> None:
    """Only an empty directory, or an image that this transport wrote, may be replaced."""
    with failing(path):
        try:
            if not os.listdir(path):
                return
        except FileNotFoundError:
            return
    try:
        version = DirectoryFiles(path).read("version", 100)
    except (NotFound, Corrupt):
        version = b""
    if not version.startswith(_VERSION_PREFIX):
        raise AlreadyExists(
            f"dir:{path} is a directory with other things in it",
            remedy="choose an empty directory or a new one",
        )


def _exchange(one: str, other: str) -> None:
    """Let two paths change places at once: renameat2(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), other)
