"""Recompression: only when asked for, digests kept otherwise, zstd:chunked both ways."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.fixtures import needs
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.content.annotations import CHECKSUM, PREFIX
from rundlet.core.errors import InvalidArgument


@pytest.fixture
def repository(registry: Registry, tmp_path: Path) -> str:
    return f"{registry.host}/compression/{tmp_path.name.lower()}"


def manifest(name: str) -> dict[str, Any]:
    """As Debian's skopeo sees it."""
    needs("skopeo")
    said = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(said.stdout)
    return document


def layers(name: str) -> list[tuple[str, bool]]:
    """Compression of each layer by its media type, and whether it has a table of contents."""
    return [
        (each["mediaType"].rpartition("+")[2], CHECKSUM in (each.get("annotations") or {}))
        for each in manifest(name)["layers"]
    ]


def test_pushed_as_it_is(engine: Engine, registry: Registry, repository: str) -> None:
    source = f"{registry.host}/busybox:latest"
    image = engine.images.pull(source)
    digest = engine.images.push(source, f"{repository}:1")
    assert digest == image.manifest
    assert engine.images.push(source, f"{repository}:2", compression="zstd") == digest


def test_zstd_chunked_there_and_back(engine: Engine, registry: Registry, repository: str) -> None:
    source = f"{registry.host}/busybox:latest"
    image = engine.images.pull(source)
    name = f"{repository}:1"
    engine.images.push(source, name, compression="zstd:chunked", force=True)
    assert layers(name) == [("zstd", True)]
    engine.images.remove(image.id)
    back = engine.images.pull(name)
    assert back.id == image.id  # config and diff_ids are the same
    # Pushed again it stays what it is, table and all.
    for more in ({"compression": "zstd:chunked", "force": True}, {"compression": "zstd"}, {}):
        again = engine.images.push(name, f"{repository}:2", **more)  # type: ignore[arg-type]
        assert again == back.manifest
    # As gzip it has no table any more.
    engine.images.push(name, f"{repository}:3", compression="gzip", force=True)
    assert layers(f"{repository}:3") == [("gzip", False)]
    assert PREFIX not in json.dumps(manifest(f"{repository}:3"))


def test_skopeo_reads_our_zstd_chunked(
    engine: Engine, registry: Registry, repository: str, tmp_path: Path
) -> None:
    source = f"{registry.host}/busybox:latest"
    image = engine.images.pull(source)
    engine.images.push(source, f"{repository}:1", compression="zstd:chunked", force=True)
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false",
         "--dest-decompress", f"docker://{repository}:1", f"dir:{tmp_path}/plain"],
        check=True,
    )  # fmt: skip
    (layer,) = json.loads((tmp_path / "plain/manifest.json").read_bytes())["layers"]
    (diff_id,) = engine.images.config(image).diff_ids
    assert layer["digest"] == diff_id


def test_we_read_skopeos_zstd_chunked(engine: Engine, tmp_path: Path, repository: str) -> None:
    needs("skopeo")
    # Nobody has pushed this layer: skopeo remembers for all times where one is, however compressed.
    layer = images.layer([images.Member("unique", os.urandom(32).hex().encode())])
    layer = layer[: 512 + 512 + 1024]  # header, content, end: it drops padding behind that
    images.Layout(tmp_path / "layout").add("it", images.ImageRecipe([layer]))
    plain = f"dir:{engine.settings.graph_root}-plain"  # what is compressed, it leaves so
    for words in (
        ("--dest-decompress", f"oci:{tmp_path}/layout:it", plain),
        ("--dest-tls-verify=false", "--format", "oci", "--dest-compress-format", "zstd:chunked",
         plain, f"docker://{repository}:theirs"),
    ):  # fmt: skip
        subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", *words], check=True)
    image = engine.images.pull(f"{repository}:theirs")
    assert image.names == (f"{repository}:theirs",)
    (described,) = manifest(f"{repository}:theirs")["layers"]
    assert engine.blobs.read(described["digest"])[-8:].lower() == b"gnulinux"


def test_there_is_no_zstd_in_dockers_format(engine: Engine, registry: Registry) -> None:
    source = f"{registry.host}/busybox:latest"
    engine.images.pull(source)
    with pytest.raises(InvalidArgument, match="v2s2 has no zstd"):
        engine.images.push(source, "dir:/nowhere", format="v2s2", compression="zstd:chunked")
    with pytest.raises(InvalidArgument, match="unsupported compression"):
        engine.images.push(source, "dir:/nowhere", compression="lzma")
