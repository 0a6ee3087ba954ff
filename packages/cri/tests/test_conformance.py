"""Kubernetes' own tests of a CRI server, where they are on PATH (`.ci/run` builds them)."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.critest import exceptions, kit
from devtools.fixtures import needs


@pytest.fixture(scope="module")
def made(shared_directory: Path) -> Path:
    """The images that critest pulls."""
    needs("mmdebstrap", "docker-registry", "skopeo")
    shared_directory.mkdir(parents=True, exist_ok=True)
    directory = shared_directory / "critest-1"
    with (shared_directory / "critest-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kit.images(directory)
    return directory


@pytest.fixture
def node(made: Path) -> Iterator[kit.Node]:
    needs("crictl")
    with (
        tempfile.TemporaryDirectory(prefix="cri-") as directory,
        kit.node(made, Path(directory)) as running,
    ):
        Path(directory).chmod(0o711)  # root of a user namespace goes through
        yield running


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_spec_of_critest_passes(made: Path, node: kit.Node) -> None:
    needs("critest")
    specs = kit.critest(node, kit.images(made), seconds=420)
    failed = [f"{spec.name}: {spec.message}" for spec in specs if spec.state == "failed"]
    assert not failed, "\n".join(failed)
    left_out = [spec.name for spec in specs if spec.state == "skipped"]
    assert not [name for name in left_out if not exceptions.reason(name)]
    assert len(specs) - len(left_out) > 90
