"""The web transport keeps what the contract asks of one that reads."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rundlet_web import WebTransport

from rundlet.core.contracts.transport import Location, TransportSettings
from rundlet.core.errors import Corrupt, InvalidArgument, NotSupported
from rundlet.core.testing.transport import ImageSourceContract, SampleImage


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class TestWeb(ImageSourceContract):
    @pytest.fixture
    def transport(self) -> WebTransport:
        return WebTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[str]:
        handler = functools.partial(Quiet, directory=str(tmp_path))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/image"
            server.shutdown()
            thread.join()

    @pytest.fixture
    def written(self, image: SampleImage, tmp_path: Path) -> SampleImage:
        directory = tmp_path / "image"
        directory.mkdir()
        (directory / "manifest.json").write_bytes(image.manifest.data)
        for digest, content in image.blobs.items():
            (directory / digest.partition(":")[2]).write_bytes(content)
        return image

    def test_nonsense(self, transport: WebTransport, location: Location, tmp_path: Path) -> None:
        (tmp_path / "image").mkdir()
        (tmp_path / "image/manifest.json").write_text("<html>")
        with transport.source(location, TransportSettings()) as source, pytest.raises(Corrupt):
            source.manifest()

    def test_writing(self, transport: WebTransport, location: Location) -> None:
        with pytest.raises(NotSupported, match="nothing can be written"):
            transport.destination(location, TransportSettings())


@pytest.mark.parametrize("text", ["", "x", "ftp://a/b", "http://a b", "http://a\n"])
def test_other_texts(text: str) -> None:
    with pytest.raises(InvalidArgument, match="expected web:http"):
        WebTransport().parse(text)
