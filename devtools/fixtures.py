"""pytest fixtures shared by all packages' tests: images and a registry, made once a session.

Built once per machine boot in a shared directory (several pytest workers use it) and
never written to by tests.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import images
from .criu import fetch
from .gpg import Home
from .registry import Registry, push


def needs(*programs: str) -> None:
    """Skip the test, by name and aloud, where a real part is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (nox installs it)")


@contextmanager
def _exclusively(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared_directory() -> Path:
    """A directory for things made once and only read by tests."""
    return Path(tempfile.gettempdir()) / f"rundlet-fixtures-{os.getuid()}"


@pytest.fixture(scope="session")
def image_layout(shared_directory: Path) -> Path:
    """An OCI layout with the tags `busybox` and `multi` (an index of amd64 and arm64)."""
    path = shared_directory / "layout-1"
    with _exclusively(shared_directory):
        if not (path / "done").exists():
            layout = images.Layout(path)
            recipe = images.busybox()
            layout.add("busybox", recipe)
            other = images.ImageRecipe(recipe.layers, recipe.config, architecture="arm64")
            layout.add_index("multi", [recipe, other])
            (path / "done").touch()
    return path


@pytest.fixture(scope="session")
def busybox_archive(shared_directory: Path, image_layout: Path) -> Path:
    """The busybox image as an OCI archive file."""
    path = shared_directory / "busybox.oci.tar"
    with _exclusively(shared_directory):
        if not path.exists():
            layout = shared_directory / "busybox-only"
            images.Layout(layout).add("busybox", images.busybox())
            images.archive(layout, path)
    return path


@pytest.fixture(scope="session")
def debian_layout(shared_directory: Path) -> Path:
    """An OCI layout with the tag `debian`, made from Debian packages, with apt."""
    needs("mmdebstrap")
    path = shared_directory / "debian-1"
    with _exclusively(shared_directory):
        if not (path / "done").exists():
            images.Layout(path).add("debian", images.debian(path))
            (path / "debian.tar").unlink()
            (path / "done").touch()
    return path


@pytest.fixture(scope="session")
def nginx_layout(shared_directory: Path) -> Path:
    """An OCI layout with the tag `nginx`, made from Debian packages."""
    needs("mmdebstrap")
    path = shared_directory / "nginx-1"
    with _exclusively(shared_directory):
        if not (path / "done").exists():
            images.Layout(path).add("nginx", images.nginx(path))
            (path / "nginx.tar").unlink()
            (path / "done").touch()
    return path


@pytest.fixture
def criu(shared_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CRIU that knows this kernel, on PATH."""
    needs("mmdebstrap", "runc")
    with _exclusively(shared_directory):
        try:
            found = fetch(shared_directory / "criu-1")
        except RuntimeError as error:
            pytest.skip(str(error))
    monkeypatch.setenv("PATH", f"{found}:{os.environ['PATH']}")


@pytest.fixture
def busybox_rootfs(tmp_path: Path) -> Path:
    """A fresh directory tree of the busybox image."""
    return images.rootfs(tmp_path / "rootfs")


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A directory of gpg for keys that tests make."""
    needs("gpg", "gpgconf")
    # A short name: gpg's agent has its socket there.
    with tempfile.TemporaryDirectory(prefix="gpg-") as directory:
        yield Home(directory)
        subprocess.run(["gpgconf", "--homedir", directory, "--kill", "all"], check=False)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, image_layout: Path) -> Iterator[Registry]:
    """A plain-HTTP registry on loopback holding `busybox:latest` and `multi:latest`."""
    needs("docker-registry", "skopeo")
    with Registry(tmp_path_factory.mktemp("registry")) as running:
        push(image_layout, "busybox", f"{running.host}/busybox:latest")
        push(image_layout, "multi", f"{running.host}/multi:latest")
        yield running
