"""`tarball:FILE[:FILE...]`: an image made of file system tarballs, one layer each; only read.

As in containers/image: the config is made up of this machine's platform, the newest file's
time and a history that names the files. "-" is standard input. Layers stay as they are
compressed where an image may hold that; other formats are unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import time

from ..content.compress import PIECE, decompressed, detect
from ..contracts.transport import ImageSource, ImageTransport, Location, ManifestBytes
from ..errors import InvalidArgument, NoSuchImage, NotFound, NotSupported
from ..format.times import rfc3339
from ..hookspecs import hookimpl
from ..images import manifest as manifests
from ..images import platforms
from ..images.descriptor import Descriptor
from ..images.digests import digest_of
from .files import failing, temporary_file, write_all
from .tarball import Region

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.transport import ImageDestination, TransportSettings
    from ..streams import ReadableFile

_KEPT = ("", "gzip", "zstd")
_LONGEST_MAGIC = 6


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return TarballTransport() if name == TarballTransport.name else None


class TarballTransport(ImageTransport):
    """Images made of tarballs."""

    name = "tarball"

    def parse(self, text: str) -> Location:
        paths = text.split(":")
        if not all(paths) or "\0" in text:
            raise InvalidArgument(f"{self.name}:{text}: expected FILE[:FILE...], or - for stdin")
        if paths.count("-") > 1:
            raise InvalidArgument(f"{self.name}:{text}: standard input can be read once only")
        return Location(
            self.name, ":".join(path if path == "-" else os.path.abspath(path) for path in paths)
        )

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        return TarballSource(location, settings)

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        raise NotSupported(
            f"{self.name}: images cannot be written there", remedy="Use oci-archive: or dir:."
        )


class _Layer:
    """One tarball: an open file, and what is found out by reading it once."""

    def __init__(self, path: str, temporary: str) -> None:
        self.path = path
        self.file = _opened(path, temporary)
        try:
            with self.open(0) as stream:
                compression = detect(stream.read(_LONGEST_MAGIC))
            if compression not in _KEPT:
                self._unpack(temporary)
                compression = ""
            self.diff_id, size = _hashed(decompressed(self.open(0)))
            digest, size = _hashed(self.open(0)) if compression else (self.diff_id, size)
        except BaseException:
            self.file.close()
            raise
        kind = manifests.layer_type(manifests.OCI_MANIFEST, compression, manifests.OCI_LAYER)
        self.descriptor = Descriptor(digest, size, kind)

    @property
    def changed(self) -> int:
        """When the file was changed last, in nanoseconds since the epoch."""
        return time.time_ns() if self.path == "-" else os.fstat(self.file.fileno()).st_mtime_ns

    def open(self, offset: int) -> ReadableFile:
        """The bytes from `offset`; several may be open at once."""
        size = os.fstat(self.file.fileno()).st_size
        return Region(self.file.fileno(), offset, max(size - offset, 0))

    def _unpack(self, temporary: str) -> None:
        plain = temporary_file(temporary)
        with decompressed(self.open(0)) as stream:
            while piece := stream.read(PIECE):
                write_all(plain, piece)
        self.file.close()
        self.file = plain


class TarballSource(ImageSource):
    """The image that some tarballs make."""

    def __init__(self, location: Location, settings: TransportSettings) -> None:
        self.location = location
        temporary = os.fspath(settings.temporary) if settings.temporary else ""
        self._layers: list[_Layer] = []
        try:
            for path in location.path.split(":"):
                self._layers.append(_Layer(path, temporary))
        except NotFound:
            self.close()
            raise NoSuchImage(str(location)) from None
        except BaseException:
            self.close()
            raise
        self._config = self._made_config()

    def _made_config(self) -> bytes:
        """image-spec config.md."""
        here = platforms.native()
        created = rfc3339(max(layer.changed for layer in self._layers))
        document = {
            "created": created,
            "architecture": here.architecture,
            "os": here.os,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self._layers]},
            "history": [
                {
                    "created": created,
                    "created_by": f"/bin/sh -c #(nop) ADD file:{layer.diff_id[7:]} in /",
                    "comment": f"imported from {layer.path}",
                }
                for layer in self._layers
            ],
        }
        if here.variant:
            document["variant"] = here.variant
        return json.dumps(document, separators=(",", ":")).encode()

    def manifest(self, digest: str = "") -> ManifestBytes:
        if digest:
            raise NotFound(f"{self.location}: manifest {digest} is missing")
        config = Descriptor(digest_of(self._config), len(self._config), manifests.OCI_CONFIG)
        data = manifests.compose(
            manifests.OCI_MANIFEST, config, [layer.descriptor for layer in self._layers]
        )
        return ManifestBytes(data, manifests.OCI_MANIFEST)

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        if descriptor.digest == digest_of(self._config):
            return io.BytesIO(self._config[offset:])
        for layer in self._layers:
            if layer.descriptor.digest == descriptor.digest:
                return layer.open(offset)
        raise NotFound(f"{self.location}: blob {descriptor.digest} is missing")

    def close(self) -> None:
        for layer in self._layers:
            layer.file.close()


def _opened(path: str, temporary: str) -> io.FileIO:
    """A file that can be read again; standard input and pipes are kept in a temporary one."""
    with failing(path):
        file = io.FileIO(sys.stdin.fileno() if path == "-" else path, closefd=path != "-")
        if path != "-" and file.seekable():
            if os.path.isdir(path):
                raise InvalidArgument(f"{path} is a directory, not a tarball")
            return file
    copy = temporary_file(temporary)
    with file, failing(path, "keeping"):
        while piece := file.read(PIECE):
            write_all(copy, piece)
    return copy


def _hashed(stream: ReadableFile) -> tuple[str, int]:
    """Digest and size of a stream, which is closed."""
    found, size = hashlib.sha256(), 0
    with stream:
        while piece := stream.read(PIECE):
            found.update(piece)
            size += len(piece)
    return f"sha256:{found.hexdigest()}", size
