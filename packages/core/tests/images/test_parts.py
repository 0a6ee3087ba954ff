"""zstd:chunked layers read by their table of contents: what is here is not fetched."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools import images
from devtools.fixtures import needs
from devtools.lying import Exchange, LyingRegistry
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.content.annotations import CHECKSUM, POSITION
from rundlet.core.content.chunked import ChunkedWriter
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.streams import ReadableFile
from rundlet.core.transports.docker.source import DockerSource

ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
LARGE = os.urandom(3 << 20)


def chunked(tar: bytes) -> tuple[bytes, dict[str, str]]:
    writer = ChunkedWriter(io.BytesIO(tar))
    data = writer.readall()
    return data, writer.annotations


def put(
    registry: LyingRegistry,
    tag: str,
    *files: tuple[str, bytes],
    change: Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]] = lambda *it: it,
) -> str:
    """An image of one chunked layer; the digest of its blob."""
    tar = images.layer([images.Member(name, data, 0o644) for name, data in files])
    blob, annotations = change(*chunked(tar))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [images._digest(tar)]},
    }
    data = json.dumps(config).encode()
    registry.manifest("parts", tag, {
        "schemaVersion": 2,
        "mediaType": images.MANIFEST,
        "config": {"mediaType": images.CONFIG, "digest": registry.blob(data), "size": len(data)},
        "layers": [{"mediaType": ZSTD, "digest": registry.blob(blob), "size": len(blob),
                    "annotations": annotations}],
    })  # fmt: skip
    return images._digest(blob)


def bytes_of(registry: LyingRegistry, digest: str) -> int:
    """How much of a blob was asked for."""
    total = 0
    for headers in registry.asked("GET", digest):
        start, _, last = headers.get("range", "").removeprefix("bytes=").partition("-")
        size = len(registry.blobs[digest])
        total += (int(last) + 1 if last else size) - int(start or 0)
    return total


def content(engine: Engine, digest: str) -> bytes:
    with engine.blobs.open(digest) as file:
        return file.read()


def test_what_is_here_is_not_fetched(engine: Engine, lying: LyingRegistry) -> None:
    put(lying, "1", ("bin/large", LARGE), ("etc/version", b"1"))
    newer = put(lying, "2", ("etc/version", b"2"), ("opt/large", LARGE), ("tail", b"x" * 70_000))
    engine.images.pull(f"{lying.host}/parts:1")
    engine.images.pull(f"{lying.host}/parts:2")
    assert bytes_of(lying, newer) < 100_000
    assert content(engine, newer) == lying.blobs[newer]
    assert all("range" in headers for headers in lying.asked("GET", newer))


def test_little_is_fetched_whole(engine: Engine, lying: LyingRegistry) -> None:
    put(lying, "1", ("large", LARGE[: 1 << 19]))
    other = put(lying, "2", ("etc/version", b"2"), ("large", LARGE[: 1 << 19]))
    engine.images.pull(f"{lying.host}/parts:1")
    engine.images.pull(f"{lying.host}/parts:2")
    assert lying.asked("GET", other)[-1].get("range") is None


def test_a_table_that_lies(engine: Engine, lying: LyingRegistry) -> None:
    """It says that a file is one that is here, of frames of the same length: it is another."""
    other = bytes(reversed(LARGE))
    known = f"sha256:{hashlib.sha256(LARGE).hexdigest()}".encode()
    meant = f"sha256:{hashlib.sha256(other).hexdigest()}".encode()

    def lie(blob: bytes, annotations: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        import zstandard

        offset, packed, plain, _ = map(int, annotations[POSITION].split(":"))
        table = zstandard.decompress(blob[offset : offset + packed], plain).replace(meant, known)
        new = zstandard.compress(table)
        where = f"{offset}:{len(new)}:{len(table)}:1"
        annotations = {POSITION: where, CHECKSUM: images._digest(new)}
        return blob[: offset - 4] + len(new).to_bytes(4, "little") + new, annotations

    put(lying, "1", ("large", LARGE))
    lied = put(lying, "2", ("etc/version", b"2"), ("large", other), change=lie)
    engine.images.pull(f"{lying.host}/parts:1")
    image = engine.images.pull(f"{lying.host}/parts:2")
    assert content(engine, lied) == lying.blobs[lied]
    assert lying.asked("GET", lied)[-1].get("range") is None  # whole, in the end
    assert engine.layers.usage(image.top_layer).size > len(other)


@pytest.mark.parametrize("how", ["checksum", "position", "no ranges", "garbage"])
def test_without_a_good_table(engine: Engine, lying: LyingRegistry, how: str) -> None:
    def spoil(blob: bytes, annotations: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        if how == "checksum":
            return blob, {**annotations, CHECKSUM: images._digest(b"other")}
        if how == "position":
            return blob, {**annotations, POSITION: f"{len(blob)}:99999999:9:1"}
        if how == "garbage":
            return blob, {POSITION: "8:100:100:1", CHECKSUM: images._digest(blob[8:108])}
        return blob, annotations

    put(lying, "1", ("large", LARGE))
    newer = put(lying, "2", ("etc/version", b"2"), ("large", LARGE), change=spoil)
    engine.images.pull(f"{lying.host}/parts:1")

    def without_ranges(exchange: Exchange) -> bool:
        if how == "no ranges" and "range" in exchange.headers:
            return exchange.answer(200, lying.blobs[newer])
        return False

    lying.behave = without_ranges
    engine.images.pull(f"{lying.host}/parts:2")
    assert content(engine, newer) == lying.blobs[newer]


def test_as_skopeo_writes_them(
    engine: Engine, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a real registry: the frames of Debian's skopeo."""
    needs("skopeo")
    layout = images.Layout(tmp_path / "layout")
    for tag in ("1", "2"):
        version = images.Member("etc/version", tag.encode() * 100_000, 0o644)
        tar = images.layer([version, images.Member("opt/large", LARGE, 0o644)])
        # It loses what pads an archive to whole records.
        end = -(-len(tar.rstrip(b"\0")) // 512) * 512 + 1024
        layout.add(tag, images.ImageRecipe([tar[:end]]))
    name = f"{registry.host}/parts/{tmp_path.name.lower()}"
    for tag in ("1", "2"):
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false",
             "--dest-compress-format", "zstd:chunked", f"oci:{tmp_path}/layout:{tag}",
             f"docker://{name}:{tag}"],
            check=True,
        )  # fmt: skip
    engine.images.pull(f"{name}:1")
    fetched: list[int] = []
    part = DockerSource.part

    def counted(self: DockerSource, blob: Descriptor, offset: int, size: int) -> ReadableFile:
        fetched.append(size)
        return part(self, blob, offset, size)

    monkeypatch.setattr(DockerSource, "part", counted)
    image = engine.images.pull(f"{name}:2")
    assert 0 < sum(fetched) < 1 << 20
    assert engine.layers.usage(image.top_layer).size > len(LARGE)
