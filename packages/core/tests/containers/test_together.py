"""Several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rundlet.core.engine import Engine

WORKER = """
import sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.monitor import Streams
from rundlet.core.errors import RundletError
root, what, count = sys.argv[1:]
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run", runtime="runc"))
request = ContainerRequest(image="busybox", network="none")
for number in range(int(count)):
    if what == "foreground":
        done = engine.containers.run(
            request.replace(command=("sh", "-c", "exit 3"), auto_remove=True), Streams(-1))
        assert done.exit_code == 3, done
    elif what == "background":
        made = engine.containers.run(request.replace(command=("sleep", "100")), detach=True)
        assert engine.containers.get(made.container).status == "running"
        engine.containers.remove(made.container, force=True, timeout=0)
    elif what == "same":
        try:
            engine.containers.start("shared")
            engine.containers.stop("shared", timeout=0)
        except RundletError as error:
            assert "already" in str(error) or "is not running" in str(error), error
    elif what == "name":
        try:
            engine.containers.run(
                request.replace(command=("true",), name="one", auto_remove=True), Streams(-1))
        except RundletError as error:
            assert "already in use" in str(error), error
"""


@pytest.fixture
def store(engine: Engine, busybox_archive: Path) -> Engine:
    image = engine.images.pull(f"oci-archive:{busybox_archive}")
    engine.images.tag(image.id, "busybox")
    return engine


@pytest.mark.parametrize("what", ["foreground", "background", "same", "name"])
def test_processes_do_not_disturb_one_another(store, tmp_path, request_for, what: str) -> None:
    if what == "same":
        store.containers.create(request_for("sleep", "100", name="shared"))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), what, "3"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    problems = [worker.communicate(timeout=100)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, problems
    if what != "same":
        assert store.containers.list() == []
