"""A blob over several connections: all its bytes, in order, whatever the registry does."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from devtools.lying import Exchange, LyingRegistry
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.transports.docker import ranges
from rundlet.core.transports.docker.transport import DockerTransport

CONTENT = os.urandom(700_000)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a size, and a patience, for tests."""
    monkeypatch.setattr(ranges, "PIECE", 50_000)
    monkeypatch.setattr(ranges, "_LOOK", 0.1)
    monkeypatch.setattr("rundlet.core.transports.docker.source.LARGE", 100_000)


def slowly(exchange: Exchange) -> bool:
    """Blobs without a range come a little at a time."""
    if "/blobs/" not in exchange.path or "range" in exchange.headers:
        return False
    handler = exchange._handler
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.end_headers()
    for begin in range(0, len(CONTENT), 20_000):
        handler.wfile.write(CONTENT[begin : begin + 20_000])
        time.sleep(0.02)
    return True


def fetched(registry: LyingRegistry, offset: int = 0) -> bytes:
    digest = registry.blob(CONTENT)
    transport: Any = DockerTransport()
    location = transport.parse(f"//{registry.host}/a/b:1")
    settings = TransportSettings(tls_verify=False, retries=0)
    with transport.source(location, settings) as source:
        blob = source.blob(Descriptor(digest, len(CONTENT)), offset)
        with blob:
            found = bytearray()
            while data := blob.read(7000):
                found += data
    return bytes(found)


def pieces(registry: LyingRegistry) -> int:
    """How many pieces were asked for."""
    asked = registry.asked("GET", "/blobs/")
    return sum(not headers.get("range", "-").endswith("-") for headers in asked)


def test_a_slow_blob_comes_in_pieces() -> None:
    with LyingRegistry() as registry:
        registry.behave = slowly
        assert fetched(registry) == CONTENT
        assert pieces(registry) >= 5


def test_a_fast_one_does_not() -> None:
    with LyingRegistry() as registry:
        assert fetched(registry) == CONTENT
        assert pieces(registry) == 0


@pytest.mark.parametrize("how", ["no ranges", "others", "short", "broken", "refused"])
def test_a_registry_without_sound_ranges_is_read_over_one_connection(how: str) -> None:
    def behave(exchange: Exchange) -> bool:
        wanted = exchange.headers.get("range", "").removeprefix("bytes=")
        if "/blobs/" not in exchange.path or not wanted or wanted.endswith("-"):
            return slowly(exchange)
        begin, end = map(int, wanted.split("-"))
        where = {"Content-Range": f"bytes {begin}-{end}/{len(CONTENT)}"}
        data = CONTENT[begin : end + 1]
        if how == "no ranges":
            return exchange.answer(200, CONTENT)
        if how == "others":
            return exchange.answer(206, data, {"Content-Range": f"bytes 0-{end - begin}/9"})
        if how == "short":
            return exchange.answer(206, data[:-1], where)
        if how == "broken":
            return exchange.cut(206, data, 10, where)
        return exchange.answer(403)

    with LyingRegistry() as registry:
        registry.behave = behave
        assert fetched(registry) == CONTENT


def test_a_reader_that_stops_leaves_no_thread() -> None:
    before = threading.active_count()
    with LyingRegistry() as registry:
        registry.behave = slowly
        digest = registry.blob(CONTENT)
        transport: Any = DockerTransport()
        location = transport.parse(f"//{registry.host}/a/b:1")
        with transport.source(location, TransportSettings(tls_verify=False)) as source:
            blob = source.blob(Descriptor(digest, len(CONTENT)))
            got = 0
            while got < 400_000:
                got += len(blob.read(7000))
            blob.close()
    deadline = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before
