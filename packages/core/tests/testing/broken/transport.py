"""Image transports that are wrong in one thing each."""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

import pytest

from rundlet.core.contracts.transport import (
    ImageDestination,
    ImageSource,
    ImageTransport,
    Location,
    ManifestBytes,
    TransportSettings,
)
from rundlet.core.errors import RundletError
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.streams import ReadableFile
from rundlet.core.testing.transport import ImageTransportContract
from rundlet.core.transports.directory import (
    DirectoryDestination,
    DirectorySource,
    DirectoryTransport,
)


class Base(ImageTransportContract):
    Driver: type[ImageTransport] = DirectoryTransport

    @pytest.fixture
    def transport(self) -> ImageTransport:
        return self.Driver()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return str(tmp_path / "image")


class TestParse(Base):
    class Driver(DirectoryTransport):
        def parse(self, text: str) -> Location:
            return Location(self.name, f"{text}/")


class TestUnknown(Base):
    class Driver(DirectoryTransport):
        def source(self, location: Location, settings: TransportSettings) -> ImageSource:
            raise KeyError(location)


class TestRoundtrip(Base):
    class Driver(DirectoryTransport):
        def source(self, location: Location, settings: TransportSettings) -> ImageSource:
            return FromTheStart(location)


class FromTheStart(DirectorySource):
    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        return super().blob(descriptor)


class Written(DirectoryTransport):
    Destination: type[DirectoryDestination]

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        return self.Destination(location)


class TestDigest(Base):
    class Driver(Written):
        class Destination(DirectoryDestination):
            def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
                super().put_blob(descriptor, stream)
                return descriptor


class TestVerify(Base):
    class Driver(Written):
        class Destination(DirectoryDestination):
            def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
                return super().put_blob(Descriptor("", -1, descriptor.media_type), stream)


class TestStream(Base):
    class Driver(Written):
        class Destination(DirectoryDestination):
            def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
                return super().put_blob(descriptor, io.BytesIO(stream.read()))


class TestParallel(Base):
    class Driver(Written):
        class Destination(DirectoryDestination):
            alone = threading.Lock()

            def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
                if not self.alone.acquire(blocking=False):
                    raise RundletError("one after another, please")
                try:
                    data = stream.read()
                    for _ in range(2000):  # long enough for another thread to come
                        hashlib.sha256(data)
                    return super().put_blob(descriptor, io.BytesIO(data))
                finally:
                    self.alone.release()


class TestCommit(Base):
    class Driver(Written):
        class Destination(DirectoryDestination):
            def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
                super().put_manifest(manifest, digest)
                super().commit()


FAILS: dict[str, tuple[type, str]] = {
    "TRANSPORT-PARSE-ROUNDTRIP": (TestParse, "test_parse_roundtrip"),
    "TRANSPORT-UNKNOWN": (TestUnknown, "test_unknown_image"),
    "TRANSPORT-ROUNDTRIP": (TestRoundtrip, "test_offset"),
    "TRANSPORT-DIGEST": (TestDigest, "test_unknown_digest_is_found_out"),
    "TRANSPORT-VERIFY": (TestVerify, "test_lying_stream"),
    "TRANSPORT-STREAM": (TestStream, "test_stream"),
    "TRANSPORT-PARALLEL": (TestParallel, "test_parallel"),
    "TRANSPORT-COMMIT": (TestCommit, "test_not_committed"),
}
