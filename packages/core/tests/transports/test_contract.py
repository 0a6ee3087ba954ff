from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.docker_daemon import Daemon
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.contracts.transport import ImageTransport, TransportSettings
from rundlet.core.settings.snapshot import Settings
from rundlet.core.testing.transport import (
    DOCKER_MANIFEST,
    ImageSourceContract,
    ImageTransportContract,
    SampleImage,
    described,
    read_all,
)
from rundlet.core.transports.containers_storage import ContainersStorageTransport
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.transports.docker.transport import DockerTransport
from rundlet.core.transports.docker_archive import DockerArchiveTransport
from rundlet.core.transports.docker_daemon import DockerDaemonTransport
from rundlet.core.transports.oci import OciTransport
from rundlet.core.transports.oci_archive import OciArchiveTransport
from rundlet.core.transports.tarballs import TarballTransport


class TestOci(ImageTransportContract):
    @pytest.fixture
    def transport(self) -> ImageTransport:
        return OciTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return f"{tmp_path}/layout:tag"


class TestOciArchive(ImageTransportContract):
    @pytest.fixture
    def transport(self) -> ImageTransport:
        return OciArchiveTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return f"{tmp_path}/image.tar:tag"


class TestDockerArchive(ImageTransportContract):
    manifest_type = DOCKER_MANIFEST

    @pytest.fixture
    def transport(self) -> ImageTransport:
        return DockerArchiveTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return f"{tmp_path}/image.tar:busybox"


class TestDirectory(ImageTransportContract):
    @pytest.fixture
    def transport(self) -> ImageTransport:
        return DirectoryTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return f"{tmp_path}/image"


class TestDocker(ImageTransportContract):
    """Against a real registry."""

    @pytest.fixture
    def transport(self) -> ImageTransport:
        return DockerTransport()

    @pytest.fixture
    def place(self, registry: Registry, tmp_path: Path) -> str:
        return f"//{registry.host}/contract/{tmp_path.name.lower()}:tag"


class TestContainersStorage(ImageTransportContract):
    @pytest.fixture
    def transport(self) -> ImageTransport:
        return ContainersStorageTransport()

    @pytest.fixture
    def place(self) -> str:
        return "example.com/team/tool:tag"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Iterator[TransportSettings]:
        configured = Settings(graph_root=f"{tmp_path}/graph", run_root=f"{tmp_path}/run")
        with Engine(configured) as engine:
            yield TransportSettings(options={"engine": engine})


class TestContainersStorageElsewhere(ImageTransportContract):
    """A store that the reference names."""

    @pytest.fixture
    def transport(self) -> ImageTransport:
        return ContainersStorageTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return f"[vfs@{tmp_path}/graph+{tmp_path}/run]example.com/team/tool:tag"


class TestDockerDaemon(ImageTransportContract):
    manifest_type = DOCKER_MANIFEST

    @pytest.fixture
    def transport(self) -> ImageTransport:
        return DockerDaemonTransport()

    @pytest.fixture
    def place(self) -> str:
        return "team/tool:tag"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Iterator[TransportSettings]:
        with Daemon(tmp_path / "docker.sock") as daemon:
            yield TransportSettings(options={"docker_host": daemon.host})


class TestTarball(ImageSourceContract):
    """Only read: `written` puts the layers into files, and takes the config that is made up."""

    @pytest.fixture
    def transport(self) -> ImageTransport:
        return TarballTransport()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return f"{tmp_path}/one.tar:{tmp_path}/two.tar"

    @pytest.fixture
    def written(self, transport: ImageTransport, place: str, image: SampleImage) -> SampleImage:
        for path, layer in zip(place.split(":"), image.layers, strict=True):
            Path(path).write_bytes(image.blobs[layer.digest])
        with transport.source(transport.parse(place), TransportSettings()) as source:
            config = json.loads(source.manifest().data)["config"]
            made = described(b"", config["mediaType"]).replace(
                digest=config["digest"], size=config["size"]
            )
            data = read_all(source.blob(made))
        layers = {each.digest: image.blobs[each.digest] for each in image.layers}
        image.config, image.blobs = made, {made.digest: data, **layers}
        return image
