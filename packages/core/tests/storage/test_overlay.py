"""The overlay driver against its contract, and what is its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rundlet.core.contracts.storage import MountOptions, StorageDriver
from rundlet.core.linux.syscalls import MS_BIND, mount
from rundlet.core.storage.overlay import OverlayDriver
from rundlet.core.storage.staging import abandoned
from rundlet.core.testing.storage import StorageDriverContract


class TestOverlay(StorageDriverContract):
    @pytest.fixture
    def make(self) -> Callable[[str], StorageDriver]:
        return OverlayDriver


def killed(words: str, home: str) -> None:
    """Run some lines that end in a kill -9 of the process."""
    given = "import os, sys\nfrom rundlet.core.storage import idmap, overlay, overlay_probe\n"
    kill = "kill = lambda *_: os.kill(os.getpid(), 9)\n"
    code = given + kill + words
    assert subprocess.run([sys.executable, "-c", code, home], check=False).returncode == -9


def mounted(directory: Path) -> bool:
    return str(directory) in Path("/proc/self/mountinfo").read_text()


def test_a_killed_probe_leaves_no_mount_and_the_next_one_clears_it(tmp_path: Path) -> None:
    home = str(tmp_path / "overlay")
    killed("overlay_probe._use = kill; overlay.OverlayDriver(sys.argv[1]).probe()", home)
    assert not mounted(tmp_path)
    assert len(list(abandoned(str(tmp_path)))) == 1
    assert OverlayDriver(home).probe().works
    assert list(tmp_path.iterdir()) == []


def test_collect_unmounts_the_views_of_a_killed_process(tmp_path: Path) -> None:
    words = "from rundlet.core.linux.syscalls import mount\n" + (
        "views = idmap.Views(sys.argv[1], None)\n"
        "views._mounted = lambda: (os.mkdir(sys.argv[1] + '/view'),"
        " mount(sys.argv[1], sys.argv[1] + '/view', flags=0x1000), kill())\n"
        "views.__enter__()\n"
    )
    killed(words, str(tmp_path))
    assert mounted(tmp_path)
    OverlayDriver(str(tmp_path)).collect()
    assert not mounted(tmp_path)


def test_what_two_processes_mounted_at_once_is_unmounted(tmp_path: Path) -> None:
    driver = OverlayDriver(str(tmp_path))
    driver.create("layer", ())
    merged = driver.mount("layer", (), MountOptions())
    mount(merged, merged, flags=MS_BIND)
    driver.unmount("layer")
    assert not mounted(tmp_path)
