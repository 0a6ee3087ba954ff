"""Debian's podman and skopeo beside ours: to compare with, and to read what the other wrote."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fixtures import needs


class Podman:
    """podman over a store of its own. cgroupfs and vfs: what works on every machine."""

    def __init__(self, directory: Path, driver: str = "vfs") -> None:
        self.directory = directory
        self.command = (
            "podman",
            *("--root", str(directory / "root")),
            *("--runroot", str(directory / "run")),
            *("--tmpdir", str(directory / "tmp")),
            *("--cgroup-manager", "cgroupfs", "--storage-driver", driver),
            *("--events-backend", "none"),
        )

    def __call__(
        self, *words: str, check: bool = True, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb; a failure shows its own words."""
        done = subprocess.run(
            [*self.command, *words], input=stdin, capture_output=True, check=False
        )
        result = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )
        if check:
            assert result.returncode == 0, f"podman {' '.join(words)}: {result.stderr}"
        return result


@pytest.fixture
def podman() -> Iterator[Podman]:
    """A podman with an empty store, whose containers and images are removed at the end."""
    needs("podman")
    # Not in pytest's directory: podman refuses a run root of more than 50 characters.
    with tempfile.TemporaryDirectory(prefix="podman-") as directory:
        tool = Podman(Path(directory))
        yield tool
        tool("rm", "-a", "-f", "-t", "0", check=False)
        tool("rmi", "-a", "-f", check=False)


def skopeo(*words: str) -> str:
    """Run Debian's skopeo; its output."""
    needs("skopeo")
    done = subprocess.run(
        ["skopeo", "--insecure-policy", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"skopeo {' '.join(words)}: {done.stderr}"
    return done.stdout
