"""Blobs, and what a kill leaves of them: nothing that the next collection does not clear."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings

# Puts a blob, or removes the one that is there, and dies before or after a system call.
VICTIM = """
import os, sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
root, what, call, when = sys.argv[1:]
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run"))
real = getattr(os, call)
def deadly(*arguments, **options):
    if when == "after":
        real(*arguments, **options)
    os.kill(os.getpid(), 9)
if what == "put":
    setattr(os, call, deadly)
    engine.blobs.put_bytes(b"content")
digest = engine.blobs.put_bytes(b"content").digest
engine.leases.release()
setattr(os, call, deadly)
engine.blobs.remove(digest)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run")))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("what", "call"), [("put", "rename"), ("remove", "unlink")])
def test_killed(engine: Engine, tmp_path: Path, what: str, call: str, when: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path), what, call, when],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    engine.layers.collect()
    assert not [path for path in (tmp_path / "graph/blobs").rglob("*") if path.is_file()]
    assert not list((tmp_path / "graph/tmp").iterdir())
    assert engine.database.rows("SELECT digest FROM blobs") == []
    digest = engine.blobs.put_bytes(b"content").digest
    assert engine.blobs.read(digest) == b"content"
    engine.close()
