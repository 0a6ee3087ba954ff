"""The contract suite of image transports: subclass it, give a transport, get the tests.

    class TestMine(ImageTransportContract):
        @pytest.fixture
        def transport(self):
            return MyTransport()

        @pytest.fixture
        def place(self, tmp_path):
            return str(tmp_path / "image")

Each test quotes the clause of contracts/transport.py that it holds a transport to.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ..contracts.transport import ImageTransport, Location, ManifestBytes, TransportSettings
from ..errors import Corrupt, DigestMismatch, NoSuchImage, NotFound
from ..images.descriptor import Descriptor
from ..streams import RawStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..contracts.transport import ImageDestination
    from ..streams import ReadableFile

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_TYPES = {
    OCI_MANIFEST: (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar",
    ),
    DOCKER_MANIFEST: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar",
    ),
}


class SampleImage:
    """A small image of uncompressed layers that any transport can hold.

    contents: of one file in each layer.
    """

    def __init__(self, contents: Sequence[bytes], manifest_type: str = OCI_MANIFEST) -> None:
        config_type, layer_type = _TYPES[manifest_type]
        layers = [tar(f"file-{number}", content) for number, content in enumerate(contents)]
        self.layers = [described(content, layer_type) for content in layers]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [each.digest for each in self.layers]},
        }
        data = json.dumps(config).encode()
        self.config = described(data, config_type)
        self.blobs: Mapping[str, bytes] = {
            self.config.digest: data,
            **{each.digest: content for each, content in zip(self.layers, layers, strict=True)},
        }
        document = {
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": _json(self.config),
            "layers": [_json(each) for each in self.layers],
        }
        self.manifest = ManifestBytes(json.dumps(document).encode(), manifest_type)

    def descriptors(self) -> list[Descriptor]:
        """Config and layers."""
        return [self.config, *self.layers]


def tar(name: str, content: bytes) -> bytes:
    """A layer with one file in it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def described(content: bytes, media_type: str) -> Descriptor:
    """The descriptor of some bytes."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return Descriptor(digest, len(content), media_type)


def _json(descriptor: Descriptor) -> dict[str, Any]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


class Counted(RawStream):
    """A stream of `size` zeros made as they are read; optionally fails before its end."""

    def __init__(self, size: int, fail_after: int = -1) -> None:
        self._left = size
        self._fail_in = fail_after

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if self._fail_in == 0:
            raise Corrupt("the stream was cut off")
        count = min(size, self._left, 1 << 20)
        if self._fail_in > 0:
            count = min(count, self._fail_in)
            self._fail_in -= count
        self._left -= count
        return bytes(count)


class ImageSourceContract:
    """The clauses that are about reading: all that a transport which only reads has to keep.

    Such a one overrides `written` to put the image there by other means.
    """

    manifest_type = OCI_MANIFEST
    """What the sample image is written as; change where a destination does not accept it."""

    @pytest.fixture
    def transport(self) -> ImageTransport:
        """The transport to be tested."""
        raise NotImplementedError

    @pytest.fixture
    def place(self) -> str:
        """A text that `parse` takes and where nothing is yet."""
        raise NotImplementedError

    @pytest.fixture
    def settings(self) -> TransportSettings:
        """Settings for both ends."""
        return TransportSettings()

    @pytest.fixture
    def image(self) -> SampleImage:
        """An image of two layers."""
        return SampleImage([b"first layer" * 1000, b"second layer"], self.manifest_type)

    @pytest.fixture
    def location(self, transport: ImageTransport, place: str) -> Location:
        """The place, parsed."""
        return transport.parse(place)

    @pytest.fixture
    def written(self) -> SampleImage:
        """An image that is there."""
        raise NotImplementedError

    def read(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The manifest's document and all blobs that it names."""
        with transport.source(location, settings) as source:
            document = json.loads(source.manifest().data)
            blobs = {}
            for item in (document["config"], *document["layers"]):
                descriptor = Descriptor(item["digest"], item["size"], item["mediaType"])
                with source.blob(descriptor) as stream:
                    blobs[descriptor.digest] = read_all(stream)
            return document, blobs

    # TRANSPORT-PARSE-ROUNDTRIP

    def test_parse_roundtrip(self, transport: ImageTransport, location: Location) -> None:
        """TRANSPORT-PARSE-ROUNDTRIP: the text of a location parses to the same location."""
        assert location.transport == transport.name
        name, _, path = str(location).partition(":")
        assert name == transport.name
        assert transport.parse(path) == location

    # What is written is read

    def test_roundtrip(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        written: SampleImage,
    ) -> None:
        """TRANSPORT-ROUNDTRIP: what was committed is read back, byte for byte."""
        document, blobs = self.read(transport, location, settings)
        assert blobs == dict(written.blobs)
        assert document["config"]["digest"] == written.config.digest
        assert [item["digest"] for item in document["layers"]] == [
            each.digest for each in written.layers
        ]

    def test_offset(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        written: SampleImage,
    ) -> None:
        """TRANSPORT-ROUNDTRIP: a blob is read from an offset (a pull that goes on where it
        stopped)."""
        layer = written.layers[0]
        with transport.source(location, settings) as source:
            source.manifest()
            with source.blob(layer, 7) as stream:
                assert read_all(stream) == written.blobs[layer.digest][7:]

    # TRANSPORT-PARALLEL

    def test_parallel_reading(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        written: SampleImage,
    ) -> None:
        """TRANSPORT-PARALLEL: `blob` from several threads at once."""
        wanted = [*written.layers] * 4
        with ThreadPoolExecutor(4) as pool, transport.source(location, settings) as source:
            source.manifest()

            def get(descriptor: Descriptor) -> bytes:
                with source.blob(descriptor) as stream:
                    return read_all(stream)

            found = list(pool.map(get, wanted))
        assert found == [written.blobs[each.digest] for each in wanted]

    # TRANSPORT-UNKNOWN

    def test_unknown_image(
        self, transport: ImageTransport, location: Location, settings: TransportSettings
    ) -> None:
        """TRANSPORT-UNKNOWN: a missing image is NoSuchImage."""
        with pytest.raises(NoSuchImage), transport.source(location, settings) as source:
            source.manifest()

    def test_unknown_blob(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        written: SampleImage,
    ) -> None:
        """TRANSPORT-UNKNOWN: a missing blob, or manifest, is NotFound."""
        missing = described(b"nobody has this", "application/octet-stream")
        with transport.source(location, settings) as source:
            source.manifest()
            with pytest.raises(NotFound), source.blob(missing) as stream:
                read_all(stream)
            with pytest.raises(NotFound):
                source.manifest(missing.digest)


class ImageTransportContract(ImageSourceContract):
    """Every clause of the image transport contract."""

    def write(self, destination: ImageDestination, image: SampleImage) -> None:
        """Everything of a copy but the commit."""
        for descriptor in image.descriptors():
            if not destination.has_blob(descriptor):
                content = io.BytesIO(image.blobs[descriptor.digest])
                assert destination.put_blob(descriptor, content).digest == descriptor.digest
        destination.put_manifest(image.manifest)

    @pytest.fixture
    def written(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        image: SampleImage,
    ) -> SampleImage:
        """The sample image, written and committed."""
        with transport.destination(location, settings) as destination:
            self.write(destination, image)
            destination.commit()
        return image

    def test_unknown_digest_is_found_out(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        image: SampleImage,
    ) -> None:
        """TRANSPORT-DIGEST: `put_blob` with digest "" and size -1 returns both, and has the blob
        then."""
        layer = image.layers[0]
        with transport.destination(location, settings) as destination:
            unknown = Descriptor("", -1, layer.media_type)
            found = destination.put_blob(unknown, io.BytesIO(image.blobs[layer.digest]))
            assert (found.digest, found.size) == (layer.digest, layer.size)
            assert destination.has_blob(layer)
            self.write(destination, image)
            destination.commit()
        assert self.read(transport, location, settings)[1] == dict(image.blobs)

    def test_lying_stream(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        image: SampleImage,
    ) -> None:
        """TRANSPORT-VERIFY: bytes that are not what the descriptor says are refused, and nothing
        is kept."""
        layer = image.layers[0]
        wrong = b"x" * layer.size
        with transport.destination(location, settings) as destination:
            with pytest.raises(DigestMismatch):
                destination.put_blob(layer, io.BytesIO(wrong))
            assert not destination.has_blob(layer)
            for other in (wrong[:-1], wrong + b"x"):
                with pytest.raises(Corrupt):
                    destination.put_blob(layer, io.BytesIO(other))
            self.write(destination, image)
            destination.commit()
        assert self.read(transport, location, settings)[1] == dict(image.blobs)

    # TRANSPORT-STREAM

    def test_stream(
        self, transport: ImageTransport, location: Location, settings: TransportSettings
    ) -> None:
        """TRANSPORT-STREAM: memory does not grow with a blob (64 MB here)."""
        size = 64 << 20
        hasher = hashlib.sha256()
        for _ in range(size >> 20):
            hasher.update(bytes(1 << 20))
        image = SampleImage([b"small"], self.manifest_type)
        big = Descriptor(f"sha256:{hasher.hexdigest()}", size, image.layers[0].media_type)
        image.layers.append(big)
        tracemalloc.start()
        try:
            with transport.destination(location, settings) as destination:
                stream: Any = io.BufferedReader(Counted(size))
                assert destination.put_blob(big, stream) == big
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < size // 4, f"TRANSPORT-STREAM: {peak} bytes held for a blob of {size}"

    # TRANSPORT-PARALLEL

    def test_parallel(
        self, transport: ImageTransport, location: Location, settings: TransportSettings
    ) -> None:
        """TRANSPORT-PARALLEL: `put_blob` and `blob` from several threads at once."""
        layers = [bytes([number]) * (200_000 + number) for number in range(8)]
        image = SampleImage(layers, self.manifest_type)
        gate = threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool, transport.destination(location, settings) as out:

            def put(descriptor: Descriptor) -> Descriptor:
                if descriptor in image.layers[:4]:
                    gate.wait(60)
                return out.put_blob(descriptor, io.BytesIO(image.blobs[descriptor.digest]))

            assert list(pool.map(put, image.layers)) == image.layers
            out.put_blob(image.config, io.BytesIO(image.blobs[image.config.digest]))
            out.put_manifest(image.manifest)
            out.commit()
        with ThreadPoolExecutor(4) as pool, transport.source(location, settings) as source:
            source.manifest()

            def get(descriptor: Descriptor) -> bytes:
                with source.blob(descriptor) as stream:
                    return read_all(stream)

            found = list(pool.map(get, image.layers))
        assert found == [image.blobs[each.digest] for each in image.layers]

    # TRANSPORT-COMMIT

    def test_not_committed(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        image: SampleImage,
    ) -> None:
        """TRANSPORT-COMMIT: without a commit there is no image."""
        with transport.destination(location, settings) as destination:
            self.write(destination, image)
        with pytest.raises(NoSuchImage):
            self.read(transport, location, settings)

    def test_failed_stream(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        image: SampleImage,
    ) -> None:
        """TRANSPORT-COMMIT: a source that breaks off leaves no blob; the copy can go on."""
        with transport.destination(location, settings) as destination:
            stream: Any = io.BufferedReader(Counted(image.layers[0].size, fail_after=5))
            with pytest.raises(Corrupt):
                destination.put_blob(image.layers[0], stream)
            assert not destination.has_blob(image.layers[0])
            self.write(destination, image)
            destination.commit()
        assert self.read(transport, location, settings)[1] == dict(image.blobs)

    def test_replaced(
        self,
        transport: ImageTransport,
        location: Location,
        settings: TransportSettings,
        written: SampleImage,
    ) -> None:
        """TRANSPORT-COMMIT: a second image is not seen before its commit, then only it is."""
        other = SampleImage([b"other"], self.manifest_type)
        with transport.destination(location, settings) as destination:
            self.write(destination, other)
            assert self.read(transport, location, settings)[1] == dict(written.blobs)
            destination.commit()
        assert self.read(transport, location, settings)[1] == dict(other.blobs)


def read_all(stream: ReadableFile) -> bytes:
    """All of a stream that may return less than it is asked for."""
    parts = []
    while piece := stream.read(1 << 20):
        parts.append(piece)
    return b"".join(parts)
