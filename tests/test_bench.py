"""Where the bench works: below a directory, or on a file system that ends with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = """
import sys
from pathlib import Path
from devtools.bench import disk
disk.SIZE = 64 << 20
with disk.scratch(Path(sys.argv[1]), fresh=sys.argv[2] == "fresh") as directory:
    (directory / "file").write_text("x")
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    print(directory.parent, *(line.split()[2] for line in mounts if str(directory) in line))
"""


def scratch(parent: Path, how: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """What a process of its own says that works there: it may leave the mount namespace."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, parent, how],
        cwd=ROOT,
        env={"PATH": path or "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )


def left(parent: Path) -> list[str]:
    """What is there afterwards: files, mounts that others see, loop devices."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    loops = subprocess.run(["losetup", "--all"], capture_output=True, text=True, check=True).stdout
    found = [line for line in (*mounts, *loops.splitlines()) if str(parent) in line]
    return [*map(str, parent.iterdir()), *found]


def test_below_a_directory(tmp_path: Path) -> None:
    done = scratch(tmp_path, "here")
    assert (done.stdout, done.stderr) == (f"{tmp_path}\n", "")
    assert left(tmp_path) == []


def test_on_a_file_system_of_its_own(tmp_path: Path) -> None:
    done = scratch(tmp_path, "fresh")
    if "no file system of our own" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.stdout, done.stderr) == (f"{tmp_path} ext4\n", "")
    assert left(tmp_path) == []


def test_without_the_program_it_says_so_and_goes_on(tmp_path: Path) -> None:
    done = scratch(tmp_path, "fresh", path=str(tmp_path))
    assert done.stdout == f"{tmp_path}\n"
    assert "no file system of our own" in done.stderr
    assert "mkfs.ext4" in done.stderr
    assert left(tmp_path) == []


def test_the_directory_must_be_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "devtools.bench", "--disk", tmp_path / "none", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.endswith(f"--disk {tmp_path}/none: there is no such directory\n")
