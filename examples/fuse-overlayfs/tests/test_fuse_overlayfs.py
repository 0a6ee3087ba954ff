"""The driver keeps its contract, and survives the program that serves its mounts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from rundlet_fuse_overlayfs import FuseOverlayfsDriver

from rundlet.core.contracts.storage import MountOptions, StorageDriver
from rundlet.core.testing.storage import A, B, StorageDriverContract, tree


class TestFuseOverlayfs(StorageDriverContract):
    @pytest.fixture
    def make(self) -> Callable[[str], StorageDriver]:
        return FuseOverlayfsDriver

    def test_a_killed_program(self, driver: StorageDriver) -> None:
        """Its mount answers nothing any more: the next one replaces it, and nothing is lost."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        root = driver.mount(B, (A,), MountOptions())
        Path(root, "written").write_text("kept")
        os.kill(_serving(driver.home), signal.SIGKILL)
        assert driver.mount(B, (A,), MountOptions()) == root
        assert Path(root, "written").read_text() == "kept"


def _serving(home: str) -> int:
    """The process that has a directory below home open."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text() != "fuse-overlayfs\n":
                continue
            if any(str(link.readlink()).startswith(home) for link in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue  # it has just ended
    raise AssertionError(f"nobody serves {home}")


def test_without_the_program(tmp_path: Path) -> None:
    found = FuseOverlayfsDriver(str(tmp_path), {"mount_program": "/nowhere"}).probe()
    assert not found.works
    assert "apt install fuse-overlayfs" in found.reason
