"""Every pair of transports: images, indexes and artifacts, with digests kept where they can be."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.docker_daemon import Daemon
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.contracts.transport import ImageTransport, Platform, TransportSettings
from rundlet.core.images.copy import CopyOptions, copy
from rundlet.core.images.copy_image import Copied
from rundlet.core.settings.snapshot import Settings
from rundlet.core.testing.transport import tar
from rundlet.core.transports.containers_storage import ContainersStorageTransport
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.transports.docker.transport import DockerTransport
from rundlet.core.transports.docker_archive import DockerArchiveTransport
from rundlet.core.transports.docker_daemon import DockerDaemonTransport
from rundlet.core.transports.oci import OciTransport
from rundlet.core.transports.oci_archive import OciArchiveTransport
from rundlet.core.transports.tarballs import TarballTransport

TRANSPORTS: dict[str, ImageTransport] = {
    each.name: each
    for each in (
        DockerTransport(),
        DockerArchiveTransport(),
        DockerDaemonTransport(),
        OciTransport(),
        OciArchiveTransport(),
        DirectoryTransport(),
        ContainersStorageTransport(),
        TarballTransport(),
    )
}
EXACT = ("docker", "oci", "oci-archive", "dir", "containers-storage")
"""Those that keep a manifest byte for byte."""
WHOLE = ("docker", "oci", "oci-archive", "dir")
"""Those that hold several platforms, and artifacts."""
ARTIFACT = "application/vnd.example.thing"


class Scene:
    """Places of all transports in one directory, and the settings that reach them."""

    def __init__(self, directory: Path, registry: Registry, daemon: Daemon, engine: Engine) -> None:
        self._directory = directory
        self._registry = registry
        self.settings = TransportSettings(
            temporary=directory / "tmp",
            options={"docker_host": daemon.host, "engine": engine},
        )

    def place(self, transport: str, name: str) -> str:
        """Where an image of this name is in a transport."""
        path = self._directory / name
        return {
            "docker": f"//{self._registry.host}/pairs/{self._directory.name.lower()}/{name}:1",
            "docker-archive": f"{path}.docker.tar:example.com/{name}:1",
            "docker-daemon": f"example.com/{name}:1",
            "oci": f"{path}.oci:1",
            "oci-archive": f"{path}.oci.tar:1",
            "dir": f"{path}.dir",
            "containers-storage": f"example.com/{name}:1",
        }[transport]

    def copy(self, source: str, target: str, options: CopyOptions = CopyOptions()) -> Copied:  # noqa: B008 (frozen)
        """Copy from "TRANSPORT:TEXT" to another."""
        reading, _, where = source.partition(":")
        writing, _, whereto = target.partition(":")
        with (
            TRANSPORTS[reading].source(TRANSPORTS[reading].parse(where), self.settings) as one,
            TRANSPORTS[writing].destination(
                TRANSPORTS[writing].parse(whereto), self.settings
            ) as other,
        ):
            return copy(one, other, options)

    def manifest(self, text: str) -> tuple[str, dict[str, Any]]:
        """Digest and document of what is somewhere."""
        name, _, where = text.partition(":")
        with TRANSPORTS[name].source(TRANSPORTS[name].parse(where), self.settings) as source:
            data = source.manifest().data
        return "sha256:" + hashlib.sha256(data).hexdigest(), json.loads(data)


@pytest.fixture
def scene(tmp_path: Path, registry: Registry) -> Iterator[Scene]:
    settings = Settings(graph_root=f"{tmp_path}/graph", run_root=f"{tmp_path}/run")
    with Daemon(tmp_path / "docker.sock") as daemon, Engine(settings) as engine:
        yield Scene(tmp_path, registry, daemon, engine)


@pytest.fixture
def original(tmp_path: Path) -> str:
    """An image of three layers in a layout."""
    layers = [tar(f"file-{number}", bytes([number]) * 50_000) for number in range(3)]
    images.Layout(tmp_path / "original").add("1", images.ImageRecipe(layers, {"Cmd": ["true"]}))
    return f"oci:{tmp_path}/original:1"


@pytest.mark.parametrize("target", [name for name in TRANSPORTS if name != "tarball"])
@pytest.mark.parametrize("source", [name for name in TRANSPORTS if name != "tarball"])
def test_an_image(scene: Scene, original: str, source: str, target: str) -> None:
    first = f"{source}:{scene.place(source, 'first')}"
    second = f"{target}:{scene.place(target, 'second')}"
    scene.copy(original, first)
    scene.copy(first, second)
    before, document = scene.manifest(original)
    after, copied = scene.manifest(second)
    assert copied["config"]["digest"] == document["config"]["digest"]
    assert len(copied["layers"]) == 3
    if source in EXACT and target in EXACT:
        assert after == before


@pytest.mark.parametrize("target", [name for name in TRANSPORTS if name != "tarball"])
def test_tarballs(scene: Scene, tmp_path: Path, target: str) -> None:
    one, two = tar("one", b"1"), tar("two", b"2")
    (tmp_path / "one.tar").write_bytes(one)
    (tmp_path / "two.tar.gz").write_bytes(gzip.compress(two))
    second = f"{target}:{scene.place(target, 'second')}"
    scene.copy(f"tarball:{tmp_path}/one.tar:{tmp_path}/two.tar.gz", second)
    transport = TRANSPORTS[target]
    _, document = scene.manifest(second)
    with transport.source(transport.parse(scene.place(target, "second")), scene.settings) as read:
        from rundlet.core.images.manifest import descriptor

        read.manifest()
        with read.blob(descriptor(document["config"])) as stream:
            config = json.loads(stream.read())
    assert config["rootfs"]["diff_ids"] == [images._digest(one), images._digest(two)]


@pytest.mark.parametrize("target", WHOLE)
@pytest.mark.parametrize("source", WHOLE)
def test_an_index(scene: Scene, image_layout: Path, source: str, target: str) -> None:
    everything = CopyOptions(all_instances=True)
    original = f"oci:{image_layout}:multi"
    first = f"{source}:{scene.place(source, 'first')}"
    second = f"{target}:{scene.place(target, 'second')}"
    scene.copy(original, first, everything)
    scene.copy(first, second, everything)
    assert scene.manifest(second)[0] == scene.manifest(original)[0]
    for architecture in ("amd64", "arm64"):
        options = CopyOptions(platform=Platform(architecture=architecture))
        scene.copy(second, f"dir:{scene.place('dir', architecture)}", options)


@pytest.mark.parametrize("target", WHOLE)
@pytest.mark.parametrize("source", WHOLE)
def test_an_artifact(scene: Scene, tmp_path: Path, source: str, target: str) -> None:
    """Unknown media types go through untouched, whatever the bytes look like."""
    from rundlet.core.images.descriptor import Descriptor

    content = b"not a tar, not compressed" * 1000
    config, thing = b"{}", Descriptor(images._digest(content), len(content), ARTIFACT)
    document = {
        "schemaVersion": 2,
        "mediaType": images.MANIFEST,
        "artifactType": ARTIFACT,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": images._digest(config),
            "size": len(config),
        },
        "layers": [{"mediaType": ARTIFACT, "digest": thing.digest, "size": thing.size}],
        "annotations": {"org.opencontainers.image.title": "thing"},
    }
    from rundlet.core.contracts.transport import ManifestBytes

    oci = TRANSPORTS["oci"]
    with oci.destination(oci.parse(f"{tmp_path}/artifact:1"), scene.settings) as out:
        out.put_blob(Descriptor("", -1), io.BytesIO(config))
        out.put_blob(thing, io.BytesIO(content))
        out.put_manifest(ManifestBytes(json.dumps(document).encode(), images.MANIFEST))
        out.commit()
    first = f"{source}:{scene.place(source, 'first')}"
    second = f"{target}:{scene.place(target, 'second')}"
    scene.copy(f"oci:{tmp_path}/artifact:1", first)
    scene.copy(first, second)
    assert scene.manifest(second)[1] == document
    with TRANSPORTS[target].source(
        TRANSPORTS[target].parse(scene.place(target, "second")), scene.settings
    ) as read:
        read.manifest()
        with read.blob(thing) as stream:
            assert stream.read() == content
