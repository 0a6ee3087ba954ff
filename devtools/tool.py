"""The installed `rundlet` as tests use it: own root and run root, nothing left behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rundlet.core.settings.load import load

SCRIPTS = Path(sys.executable).parent


class Rundlet:
    """The installed `rundlet` over a store of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "RUNDLET_GRAPH_ROOT": str(directory / "root"),
            "RUNDLET_RUN_ROOT": str(directory / "run"),
        }
        load(self.environment)  # settings are kept: else the first command needs 0.2 s for them

    def has_containers(self) -> bool:
        """Whether there are any, whatever their state, or nobody can say."""
        state = f"{self.environment['RUNDLET_GRAPH_ROOT']}/state.db"
        try:
            with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as database:
                return database.execute("SELECT 1 FROM containers").fetchone() is not None
        except sqlite3.Error:
            return os.path.exists(state)

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb; a failure shows its own words."""
        result = subprocess.run(
            ["rundlet", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check:
            assert result.returncode == 0, f"rundlet {' '.join(words)}: {result.stderr}"
        return result

    def mounts(self) -> list[str]:
        """What is mounted below the store."""
        lines = Path("/proc/self/mounts").read_text().splitlines()
        return [line for line in lines if str(self.directory) in line]


@pytest.fixture
def rundlet(tmp_path: Path) -> Iterator[Rundlet]:
    """A store that is empty, and whose containers are removed at the end."""
    tool = Rundlet(tmp_path)
    yield tool
    if tool.has_containers():
        tool("rm", "-a", "-f", "-t", "0", check=False)
    assert not tool.mounts(), "the test left mounts behind"


@pytest.fixture(scope="session")
def busybox_store(tmp_path_factory: pytest.TempPathFactory, busybox_archive: Path) -> Path:
    """A graph root that holds localhost/busybox, and is only copied."""
    tool = Rundlet(tmp_path_factory.mktemp("busybox"))
    tool("load", "-q", "-i", str(busybox_archive))
    return tool.directory / "root"


@pytest.fixture
def loaded(rundlet: Rundlet, busybox_store: Path) -> Rundlet:
    """A store that holds localhost/busybox."""
    subprocess.run(["cp", "-a", busybox_store, rundlet.directory / "root"], check=True)
    return rundlet
