"""Many images at once: what is in use stays, and a kill leaves nothing that is not collected."""

from __future__ import annotations

import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
from rundlet.core.state import images as rows

COUNT = 12  # more than are deleted without threads

# Prunes all images, and dies at one of its system calls.
VICTIM = """
import os, sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
root, call, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run"))
images = [one.id for one in engine.images.list()]
real, calls = getattr(os, call), iter(range(number))
def deadly(*arguments, **options):
    if next(calls, None) is None:
        os.kill(os.getpid(), 9)
    return real(*arguments, **options)
setattr(os, call, deadly)
list(engine.images.prune(images))
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """One with images of a layer each."""
    made = Engine(Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run")))
    for number in range(COUNT):
        file = tmp_path / "file"
        file.write_text(str(number))
        with tarfile.open(tmp_path / "layer.tar", "w") as archive:
            archive.add(file, "file")
        made.images.import_(str(tmp_path / "layer.tar"), f"image{number}")
    made.leases.release()
    return made


def is_empty(engine: Engine, root: Path) -> bool:
    """Whether nothing of any image is left, in the state or on disk."""
    tables = ("images", "layers", "blobs", "leases")
    rows = [row for table in tables for row in engine.database.rows(f"SELECT 1 FROM {table}")]
    files = [path for path in (root / "graph/blobs").rglob("*") if path.is_file()]
    return not (rows or files or list(engine.layers.driver.layers()))


def test_prune(engine: Engine, tmp_path: Path) -> None:
    """It passes over what somebody has begun to use since it was listed."""
    listed = [one.id for one in engine.images.list()]
    mounted, run = engine.images.get("image3").id, engine.images.get("image7").id
    engine.images.mount("image3")
    engine.database.execute(
        "INSERT INTO containers (id, name, image, runtime, status, created, request)"
        " VALUES ('c', 'c', ?, 'crun', 'created', 1, '{}')",
        run,
    )
    try:
        gone = list(engine.images.prune([*listed, "f" * 64]))
        assert sorted(gone) == sorted(set(listed) - {mounted, run})
        assert {one.id for one in engine.images.list()} == {mounted, run}
        assert len(list(engine.layers.driver.layers())) == 2
    finally:
        engine.images.unmount("image3", force=True)
    engine.database.execute("DELETE FROM containers")
    assert sorted(engine.images.prune(listed)) == sorted((mounted, run))
    assert is_empty(engine, tmp_path)
    engine.close()


@pytest.mark.parametrize(("call", "number"), [("rename", 3), ("unlink", 7), ("rmdir", 1)])
def test_killed(engine: Engine, tmp_path: Path, call: str, number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path), call, str(number)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [one.id for one in engine.images.list()]
    for image in left:  # whole
        engine.images.mount(image)
        engine.images.unmount(image)
    list(engine.images.prune(left))
    engine.layers.collect()
    assert is_empty(engine, tmp_path)
    engine.close()


def test_by_digest(engine: Engine) -> None:
    """An image that lost its names is still found by where it was pulled from."""
    image = engine.images.get("image0")
    rows.add_digest(engine.database, image.id, "example.com/app", image.manifest)
    engine.images.untag(image.id)
    name = f"example.com/app@{image.manifest}"
    assert engine.images.remove(name).deleted == (image.id,)
    engine.close()
