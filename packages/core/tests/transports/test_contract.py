from pathlib import Path

import pytest

from rundlet.core.contracts.transport import ImageTransport
from rundlet.core.testing.transport import DOCKER_MANIFEST, ImageTransportContract
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.transports.docker_archive import DockerArchiveTransport
from rundlet.core.transports.oci import OciTransport
from rundlet.core.transports.oci_archive import OciArchiveTransport


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
