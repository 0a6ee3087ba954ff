"""The memory of a copy does not grow with a layer: under 80 MiB for one of 1 GiB."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.registry import Registry

SIZE = 1 << 30
MOST = 80 << 20
PIECE = bytes(1 << 20)
# Its own child counts, not what pytest itself takes.
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
# Takes every line for a slow one, and fails where no blob came in pieces.
IN_PIECES = """
import sys
from rundlet.core.transports.docker import ranges
from rundlet.skopeo.main import main
begun = []
class Pieces(ranges._Pieces):
    def __init__(self, *given):
        begun.append(given)
        super().__init__(*given)
ranges._LOOK, ranges._WAITING, ranges._Pieces = 0.0, -1.0, Pieces
sys.exit(main() or not begun)
"""


def peak(tool: Any, *words: str, program: tuple[str, ...] = ("rundlet-skopeo",)) -> int:
    """Bytes of memory that a command took at most."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *program, *words],
        env=tool.environment, cwd=tool.directory, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


class Large:
    """An image with a layer of 1 GiB of zeros: a file without blocks, and packed 1 MB."""

    def __init__(self, directory: Path) -> None:
        self.path = directory
        layout = images.Layout(directory)
        plain = directory / "plain"
        with plain.open("wb") as file:
            file.truncate(SIZE)
        self.diff_id = self._keep(plain)
        packed = directory / "packed"
        with gzip.open(packed, "wb", compresslevel=1) as out:
            for _ in range(SIZE // len(PIECE)):
                out.write(PIECE)
        size = packed.stat().st_size
        self.digest = self._keep(packed)
        rootfs = {"type": "layers", "diff_ids": [self.diff_id]}
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
        described = layout._json(config, images.CONFIG)
        for name, kind, digest, length in (
            ("plain", "tar", self.diff_id, SIZE),
            ("packed", "tar+gzip", self.digest, size),
        ):
            media_type = f"application/vnd.oci.image.layer.v1.{kind}"
            layer = {"mediaType": media_type, "digest": digest, "size": length}
            document = {
                "schemaVersion": 2,
                "mediaType": images.MANIFEST,
                "config": described,
                "layers": [layer],
            }
            layout._tag(name, layout._json(document, images.MANIFEST))

    def _keep(self, file: Path) -> str:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        file.rename(self.path / "blobs/sha256" / digest)
        return f"sha256:{digest}"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Large:
    return Large(tmp_path_factory.mktemp("large") / "layout")


@pytest.fixture(scope="module")
def holding(large: Large, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that has the plain image, its layer a file without blocks too."""
    with Registry(tmp_path_factory.mktemp("registry")) as registry:
        data = registry.directory / "data/docker/registry/v2"
        encoded = large.diff_id[7:]
        blob = data / "blobs/sha256" / encoded[:2] / encoded
        blob.mkdir(parents=True)
        with (blob / "data").open("wb") as file:
            file.truncate(SIZE)
        link = data / "repositories/large/_layers/sha256" / encoded
        link.mkdir(parents=True)
        (link / "link").write_text(large.diff_id)
        yield registry


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "words",
    [
        ("oci:{layout}:plain", "dir:out"),
        ("--dest-decompress", "oci:{layout}:packed", "dir:out"),
        ("--dest-compress-format", "zstd", "oci:{layout}:packed", "oci:out:x"),
        ("oci:{layout}:packed", "docker-archive:out.tar:a:b"),
    ],
)
def test_files(tool: Any, large: Large, tmp_path: Path, words: tuple[str, ...]) -> None:
    given = [word.replace("{layout}", str(large.path)) for word in words]
    assert peak(tool, "copy", "-q", *given) < MOST
    _forget(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_registry(tool: Any, large: Large, holding: Registry, tmp_path: Path) -> None:
    """Both ways: only the manifest is pushed first, its layer is there."""
    place = f"docker://{holding.host}/large:1"
    tool("copy", "-q", "--preserve-digests", f"oci:{large.path}:plain", place)
    assert peak(tool, "copy", "-q", place, "dir:out") < MOST
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["layers"][0]["size"] == (tmp_path / "out" / large.diff_id[7:]).stat().st_size
    _forget(tmp_path)
    pieces = (sys.executable, "-c", IN_PIECES)
    assert peak(tool, "copy", "-q", place, "dir:pieces", program=pieces) < MOST
    _forget(tmp_path)
    other = f"docker://{holding.host.replace('localhost', '127.0.0.1')}/other:1"
    assert peak(tool, "copy", "-q", "--preserve-digests", f"oci:{large.path}:plain", other) < MOST


def _forget(directory: Path) -> None:
    """pytest keeps directories of tests for a while: not these gigabytes."""
    for file in directory.rglob("*"):
        if file.is_file() and file.stat().st_size > 1 << 20:
            file.unlink()
