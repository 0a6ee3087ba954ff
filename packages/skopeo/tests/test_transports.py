"""Every pair of transports through the command: an image of three layers, an index, an artifact.

The digest of the manifest is the same at both ends wherever both formats keep manifests.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.docker_daemon import Daemon
from devtools.registry import Registry

PLACES = {
    "docker": "docker://{host}/pairs/{run}/{name}:1",
    "docker-archive": "docker-archive:{name}.docker.tar:example.com/{name}:1",
    "docker-daemon": "docker-daemon:example.com/{name}:1",
    "oci": "oci:{name}.oci:1",
    "oci-archive": "oci-archive:{name}.oci.tar:1",
    "dir": "dir:{name}.dir",
    "containers-storage": "containers-storage:example.com/{name}:1",
}
EXACT = ("docker", "oci", "oci-archive", "dir", "containers-storage")
"""They keep a manifest byte for byte; the others keep what the image is (config and layers)."""
WHOLE = ("docker", "oci", "oci-archive", "dir")
"""They hold several platforms, and artifacts."""
THING = "application/vnd.example.thing"


class Pairs:
    """The command, and a place in each transport."""

    def __init__(self, tool: Any, host: str, daemon: Daemon) -> None:
        self._tool = tool
        self._host = host
        self._daemon = daemon.host

    def place(self, transport: str, name: str) -> str:
        run = self._tool.directory.name.lower().strip("_").replace("__", "_")
        return PLACES[transport].format(host=self._host, run=run, name=name)

    def copy(self, *words: str) -> None:
        ends = ("--src-daemon-host", self._daemon, "--dest-daemon-host", self._daemon)
        self._tool("copy", "-q", *ends, *words)

    def raw(self, place: str) -> str:
        found: str = self._tool("inspect", "--raw", "--daemon-host", self._daemon, place).stdout
        return found


@pytest.fixture
def pairs(tool: Any, tmp_path: Path, registry: Registry) -> Iterator[Pairs]:
    with Daemon(tmp_path / "docker.sock") as daemon:
        yield Pairs(tool, registry.host, daemon)


@pytest.fixture
def original(tmp_path: Path) -> str:
    """A layout with the three."""
    layers = [images.layer([images.Member(name, os.urandom(20_000))]) for name in ("a", "b", "c")]
    layout = images.Layout(tmp_path / "original")
    one = images.ImageRecipe(layers, {"Cmd": ["/a"]})
    layout.add("image", one)
    layout.add_index("index", [one, images.ImageRecipe(layers[1:], architecture="arm64")])
    thing = layout._blob(b"neither a tar nor compressed" * 500, THING)
    empty = layout._blob(b"{}", "application/vnd.oci.empty.v1+json")
    document = {
        "schemaVersion": 2,
        "mediaType": images.MANIFEST,
        "artifactType": THING,
        "config": empty,
        "layers": [{**thing, "annotations": {"org.opencontainers.image.title": "thing.bin"}}],
    }
    layout._tag("artifact", layout._json(document, images.MANIFEST))
    return f"oci:{tmp_path}/original"


@pytest.mark.parametrize("target", PLACES)
@pytest.mark.parametrize("source", PLACES)
def test_an_image(pairs: Pairs, original: str, source: str, target: str) -> None:
    first, second = pairs.place(source, "first"), pairs.place(target, "second")
    pairs.copy(f"{original}:image", first)
    pairs.copy(first, second)
    before, after = pairs.raw(f"{original}:image"), pairs.raw(second)
    if source in EXACT and target in EXACT:
        assert after == before
    one, other = json.loads(before), json.loads(after)
    assert other["config"]["digest"] == one["config"]["digest"]
    assert len(other["layers"]) == 3


@pytest.mark.parametrize("kind", ["index", "artifact"])
@pytest.mark.parametrize("target", WHOLE)
@pytest.mark.parametrize("source", WHOLE)
def test_whole(pairs: Pairs, original: str, source: str, target: str, kind: str) -> None:
    first, second = pairs.place(source, "first"), pairs.place(target, "second")
    pairs.copy("--all", "--preserve-digests", f"{original}:{kind}", first)
    pairs.copy("--all", "--preserve-digests", first, second)
    assert pairs.raw(second) == pairs.raw(f"{original}:{kind}")


@pytest.mark.parametrize("target", [name for name in PLACES if name not in WHOLE])
def test_one_of_an_index_where_several_cannot_be(
    pairs: Pairs, tool: Any, original: str, target: str
) -> None:
    place = pairs.place(target, "second")
    said = tool.refused("copy", "--all", f"{original}:index", place)
    assert "cannot hold an image of several platforms" in said
    pairs.copy(f"{original}:index", place)
    assert len(json.loads(pairs.raw(place))["layers"]) == 3


@pytest.mark.parametrize("target", PLACES)
def test_tarballs(pairs: Pairs, tmp_path: Path, target: str) -> None:
    one, two = (images.layer([images.Member(name, b"x")]) for name in ("one", "two"))
    (tmp_path / "one.tar").write_bytes(one)
    (tmp_path / "two.tar.gz").write_bytes(gzip.compress(two))
    place = pairs.place(target, "second")
    pairs.copy(f"tarball:{tmp_path}/one.tar:{tmp_path}/two.tar.gz", place)
    assert len(json.loads(pairs.raw(place))["layers"]) == 2
