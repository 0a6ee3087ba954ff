"""The clauses of image transports about what is read."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ...contracts.transport import ImageTransport, Location, TransportSettings
from ...errors import NoSuchImage, NotFound
from ...images.descriptor import Descriptor
from .samples import OCI_MANIFEST, SampleImage, described, read_all

if TYPE_CHECKING:
    from typing import Any


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
