"""zstd:chunked: exact bytes, files in frames of their own, and a table that finds them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import tracemalloc
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from rundlet.core.content.annotations import CHECKSUM, POSITION
from rundlet.core.content.chunked import ChunkedWriter
from rundlet.core.content.compress import decompressed
from rundlet.core.errors import Corrupt


def tar(*members: tuple[dict[str, Any], bytes]) -> bytes:
    """An archive of these TarInfo attributes and contents."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for attributes, content in members:
            info = tarfile.TarInfo()
            info.size = len(content)
            for name, value in attributes.items():
                setattr(info, name, value)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def written(plain: bytes) -> tuple[bytes, dict[str, str]]:
    writer = ChunkedWriter(io.BytesIO(plain))  # type: ignore[arg-type]
    return writer.read(), writer.annotations


def plainly(packed: bytes) -> bytes:
    with decompressed(io.BytesIO(packed)) as stream:
        return stream.read()


def table(packed: bytes, annotations: dict[str, str]) -> list[dict[str, Any]]:
    """The entries, read as a client would: by the annotations, checked against the footer."""
    start, length, size, kind = map(int, annotations[POSITION].split(":"))
    raw = packed[start : start + length]
    assert annotations[CHECKSUM] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    document = zstandard.decompress(raw)
    assert (len(document), kind) == (size, 1)
    footer = packed[-64:]
    assert footer[-8:] == b"GNUlInUx"
    assert [int.from_bytes(footer[at : at + 8], "little") for at in range(0, 56, 8)] == [
        start, length, size, 1, 0, 0, 0,
    ]  # fmt: skip
    parsed = json.loads(document)
    assert parsed["version"] == 1
    entries: list[dict[str, Any]] = parsed["entries"]
    return entries


SAMPLE = tar(
    ({"name": "etc", "type": tarfile.DIRTYPE, "mode": 0o755, "mtime": 1_700_000_000}, b""),
    ({"name": "etc/one", "mode": 0o4755, "uid": 7, "gid": 8, "mtime": 0}, b"one" * 100_000),
    ({"name": "etc/empty"}, b""),
    ({"name": "etc/link", "type": tarfile.SYMTYPE, "linkname": "one"}, b""),
    ({"name": "etc/hard", "type": tarfile.LNKTYPE, "linkname": "etc/one"}, b""),
    ({"name": "dev", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
    ({"name": "x" * 150, "pax_headers": {"SCHILY.xattr.user.a": "value"}}, b"two"),
)


def test_the_tar_comes_out_as_it_went_in() -> None:
    packed, annotations = written(SAMPLE)
    assert plainly(packed) == SAMPLE
    assert set(annotations) == {CHECKSUM, POSITION}


def test_every_file_is_a_frame_of_its_own() -> None:
    packed, annotations = written(SAMPLE)
    found = {entry["name"]: entry for entry in table(packed, annotations)}
    for name, content in (("etc/one", b"one" * 100_000), ("x" * 150, b"two")):
        entry = found[name]
        frame = packed[entry["offset"] : entry["endOffset"]]
        assert zstandard.ZstdDecompressor().decompressobj().decompress(frame) == content
        assert entry["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert entry["size"] == len(content)


def test_the_table_says_what_the_headers_say() -> None:
    entries = table(*written(SAMPLE))
    assert [(each["name"], each["type"]) for each in entries] == [
        ("etc/", "dir"), ("etc/one", "reg"), ("etc/empty", "reg"), ("etc/link", "symlink"),
        ("etc/hard", "hardlink"), ("dev", "char"), ("x" * 150, "reg"),
    ]  # fmt: skip
    one, link, device, last = entries[1], entries[3], entries[5], entries[6]
    assert (one["mode"], one["uid"], one["gid"]) == (0o4755, 7, 8)
    assert one["modtime"] == "1970-01-01T00:00:00Z"
    assert entries[0]["modtime"] == "2023-11-14T22:13:20Z"
    assert link["linkName"] == "one"
    assert (device["devMajor"], device["devMinor"]) == (1, 3)
    assert last["xattrs"] == {"user.a": base64.b64encode(b"value").decode()}
    assert "digest" not in entries[2]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text("abc/", min_size=1, max_size=120), st.binary(max_size=3000))),
    st.integers(0, 3),
)
def test_any_tar(files: list[tuple[str, bytes]], padding: int) -> None:
    plain = tar(*(({"name": f"f{name}"}, content) for name, content in files))
    plain += bytes(10240 * padding)
    packed, annotations = written(plain)
    assert plainly(packed) == plain
    entries = table(packed, annotations)
    assert len(entries) == len(files)


@pytest.mark.parametrize(
    "plain",
    [
        tar(({"name": "f", "pax_headers": {"path": "f\udcff"}}, b"x")),
        tar(({"name": "f", "mtime": -5}, b"x")),
        tar(({"name": "odd", "type": b"Z"}, b"content of an unknown kind")),
    ],
    ids=["name", "time", "kind"],
)
def test_what_a_table_cannot_say_is_plain_zstd(plain: bytes) -> None:
    packed, annotations = written(plain)
    assert annotations == {}
    assert plainly(packed) == plain


def test_a_sparse_file_is_plain_zstd(tmp_path: Any) -> None:
    import subprocess

    file = tmp_path / "sparse"
    with file.open("wb") as out:
        out.truncate(1 << 20)
        out.seek(500_000)
        out.write(b"data")
    plain = subprocess.run(
        ["tar", "-S", "-cf", "-", "-C", tmp_path, "sparse"], check=True, capture_output=True
    ).stdout
    packed, annotations = written(plain)
    assert annotations == {}
    assert plainly(packed) == plain


def test_a_damaged_tar_is_refused() -> None:
    with pytest.raises(Corrupt):
        written(SAMPLE[:1000])
    with pytest.raises(Corrupt):
        written(b"not a tar" * 1000)


def test_memory_does_not_grow_with_a_file() -> None:
    class Zeros(io.RawIOBase):
        """A tar of one file of 256 MB."""

        def __init__(self) -> None:
            info = tarfile.TarInfo("big")
            info.size = 256 << 20
            self._start = info.tobuf()
            self._left = info.size + 1024

        def read(self, size: int = -1) -> bytes:
            if self._start:
                piece, self._start = self._start[:size], self._start[size:]
                return piece
            count = min(size, self._left)
            self._left -= count
            return bytes(count)

    tracemalloc.start()
    writer = ChunkedWriter(Zeros())  # type: ignore[arg-type]
    while writer.read(1 << 20):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert writer.annotations
    assert peak < 16 << 20


def test_endless_padding_is_refused() -> None:
    with pytest.raises(Corrupt, match="belong to no member"):
        written(SAMPLE + bytes(80 << 20))


def test_levels() -> None:
    plain = tar(({"name": "f"}, os.urandom(1000) + b"text" * 50_000))
    one = ChunkedWriter(io.BytesIO(plain), 1)  # type: ignore[arg-type]
    assert plainly(one.read()) == plain
