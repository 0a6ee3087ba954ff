"""Compressed streams both ways, beside the command line tools, and damaged."""

import gzip
import io
import os
import random
import shutil
import subprocess
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from rundlet.core.content import compress
from rundlet.core.content.compress import compressed, decompressed, detect
from rundlet.core.content.zstd import FrameWalker
from rundlet.core.errors import Corrupt, InvalidArgument

ALGORITHMS = ["gzip", "zstd", "xz", "bzip2"]
DATA = os.urandom(200_000) + bytes(1_000_000) + b"words and words " * 20_000


@pytest.fixture(autouse=True, params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything with isal and, as where it is missing, with zlib."""
    if request.param == "zlib":
        import sys

        monkeypatch.setitem(sys.modules, "isal", None)


class Dribble(io.RawIOBase):
    """A stream that gives less than asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)
        self._random = random.Random(1)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._data.read(self._random.randint(1, 3000))


def squeezed(data: bytes, algorithm: str, level: int | None = None) -> bytes:
    return compressed(io.BytesIO(data), algorithm, level).read()


def opened(data: bytes) -> bytes:
    return decompressed(io.BytesIO(data)).read()


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "", "none", "uncompressed"])
@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_roundtrip(algorithm: str, data: bytes) -> None:
    small = squeezed(data, algorithm)
    assert opened(small) == data
    stream: Any = Dribble(small)
    assert decompressed(stream).read() == data


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_bytes_each_time(algorithm: str) -> None:
    assert squeezed(DATA, algorithm) == squeezed(DATA, algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("level", [1, 6, 9])
def test_levels(algorithm: str, level: int) -> None:
    assert opened(squeezed(DATA, algorithm, level)) == DATA


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tools_read_it(algorithm: str) -> None:
    program = shutil.which(algorithm)
    if program is None:
        pytest.skip(f"{algorithm} is not installed")
    done = subprocess.run(
        [program, "-dc"], input=squeezed(DATA, algorithm), capture_output=True, check=True
    )
    assert done.stdout == DATA


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_several_members(algorithm: str) -> None:
    """pigz, pbzip2 and estargz write one member after another."""
    parts = [squeezed(part, algorithm) for part in (b"one", b"", DATA, b"four")]
    assert opened(b"".join(parts)) == b"one" + DATA + b"four"
    stream: Any = Dribble(b"".join(parts))
    assert decompressed(stream).read() == b"one" + DATA + b"four"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("tail", [b"junk", b"\0\0\0junk", b"x" * 100_000])
def test_junk_after_the_end(algorithm: str, tail: bytes) -> None:
    with pytest.raises(Corrupt):
        opened(squeezed(DATA, algorithm) + tail)


def test_zeros_after_gzip() -> None:
    """Padding to whole tape blocks is no junk (as gzip(1) has it)."""
    assert opened(squeezed(DATA, "gzip") + bytes(100_000)) == DATA


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_cut_off(algorithm: str) -> None:
    whole = squeezed(DATA[:210_000], algorithm)
    for length in {
        *range(7, 40),
        *range(40, len(whole), 9973),
        *range(len(whole) - 20, len(whole)),
    }:
        with pytest.raises(Corrupt):
            opened(whole[:length])


@pytest.mark.parametrize("algorithm", ["gzip", "xz", "bzip2", "zstd"])
def test_damaged(algorithm: str) -> None:
    checked = {"write_checksum": True} if algorithm == "zstd" else {}
    whole = (
        zstandard.ZstdCompressor(**checked).compress(DATA) if checked else squeezed(DATA, algorithm)
    )
    for at in range(10, len(whole) - 12, len(whole) // 15):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        with pytest.raises(Corrupt):
            opened(bytes(damaged))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(list(compress._MAGICS)))
def test_noise(data: bytes, magic: bytes) -> None:
    try:
        opened(magic + data)
    except Corrupt:
        pass


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_bombs_come_in_small_pieces(algorithm: str) -> None:
    """A few kilobytes that unpack to much never fill the memory."""
    packer = zlib.compressobj(9, wbits=31)
    size = 256 << 20
    if algorithm == "gzip":
        data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    elif algorithm == "zstd":
        data = zstandard.ZstdCompressor().compress(bytes(size))
    else:
        size = 32 << 20
        data = squeezed(bytes(size), algorithm)
    tracemalloc.start()
    try:
        stream = decompressed(io.BytesIO(data))
        count = 0
        while piece := stream.read(1 << 16):
            assert len(piece) <= 1 << 16
            count += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == size
    assert peak < 16 << 20


def test_plain_streams_pass() -> None:
    for data in (b"", b"ab", b"\x1f", b"plain text", bytes(100)):
        assert opened(data) == data
        assert detect(data) == ""


def test_reading_in_pieces() -> None:
    stream = decompressed(io.BytesIO(squeezed(DATA, "gzip")))
    assert stream.read(0) == b""
    assert stream.read(7) == DATA[:7]
    buffer = bytearray(5)
    assert stream.readinto(buffer) == 5  # type: ignore[attr-defined]
    assert bytes(buffer) == DATA[7:12]
    assert stream.read() == DATA[12:]
    assert stream.read(1) == b""


def test_closing_closes_below() -> None:
    source = io.BytesIO(squeezed(DATA, "zstd"))
    with decompressed(source):
        pass
    assert source.closed


def test_forgetting_does_not_close_below() -> None:
    for data in (b"plain", squeezed(DATA, "gzip"), squeezed(DATA, "zstd")):
        source = io.BytesIO(data)
        decompressed(source).read(1)
        compressed(source, "gzip").read(1)
        assert not source.closed


def test_unknown_algorithm_and_level() -> None:
    with pytest.raises(InvalidArgument, match="unknown compression 'lz4'"):
        compressed(io.BytesIO(), "lz4")
    for algorithm in ALGORITHMS:
        with pytest.raises(InvalidArgument):
            compressed(io.BytesIO(), algorithm, 99)


def test_no_time_in_gzip() -> None:
    assert squeezed(b"x", "gzip")[4:8] == bytes(4)
    assert gzip.decompress(squeezed(DATA, "gzip")) == DATA


def test_errors_of_the_source_pass() -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    stream: Any = Failing()
    for algorithm in ("gzip", "zstd"):
        with pytest.raises(ConnectionResetError):
            compressed(stream, algorithm).read()


@pytest.mark.parametrize("options", [{"write_checksum": True}, {"write_content_size": False}])
def test_walker(options: dict[str, bool]) -> None:
    """At a boundary after whole frames only, whatever the pieces are."""
    frame = zstandard.ZstdCompressor(**options).compress(DATA[:300_000])
    skippable = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
    whole = skippable + frame + frame + skippable
    ends = {0, 13, 13 + len(frame), 13 + 2 * len(frame), len(whole)}
    assert opened(whole) == DATA[:300_000] * 2
    for size in (1000, 77_777):
        walker = FrameWalker()
        at = 0
        while at < len(whole):
            walker.feed(whole[at : at + size])
            at = min(at + size, len(whole))
            assert walker.at_boundary == (at in ends)


def test_threads() -> None:
    streams = [squeezed(DATA, algorithm) for algorithm in ALGORITHMS] * 3
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(opened, streams)) == {DATA}


class _Cut(io.RawIOBase):
    """A source whose pieces are of any size."""

    def __init__(self, data: bytes, sizes: tuple[int, ...]) -> None:
        self._data = io.BytesIO(data)
        self._sizes = sizes
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        self._count += 1
        return self._data.read(min(size, self._sizes[self._count % len(self._sizes)]))


@pytest.mark.parametrize("algorithm", ["gzip", "zstd"])
def test_the_same_bytes_however_the_source_is_cut(algorithm: str) -> None:
    data = b"".join(b"%d some text\n" % (number * number) for number in range(60_000))
    made = {
        compressed(_Cut(data, sizes), algorithm).read()  # type: ignore[arg-type]
        for sizes in ((1 << 20,), (1000, 70_000), (4096, 1, 65_536))
    }
    assert len(made) == 1
