"""The clauses of image transports about what is written."""

from __future__ import annotations

import hashlib
import io
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ...contracts.transport import ImageTransport, Location, TransportSettings
from ...errors import Corrupt, DigestMismatch, NoSuchImage
from ...images.descriptor import Descriptor
from .reading import ImageSourceContract
from .samples import Counted, SampleImage, read_all

if TYPE_CHECKING:
    from typing import Any

    from ...contracts.transport import ImageDestination


class Writing(ImageSourceContract):
    """What is written is there, whole, and can be read."""

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
