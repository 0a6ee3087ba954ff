"""kill -9 at every step of a container's life: the next command tells the truth and clears up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rundlet.core.cgroups.container import cgroups_path, processes
from rundlet.core.cgroups.layout import layout
from rundlet.core.containers.paths import Paths
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.monitor import Streams
from rundlet.core.engine import Engine
from rundlet.core.errors import NoSuchContainer

# Runs a container in the foreground and dies before (or after) a function is called.
VICTIM = """
import importlib, os, sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
from rundlet.core.containers.paths import Paths
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.monitor import Streams
root, what, when, module, name, *command = sys.argv[1:]
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run", runtime="runc"))
owner = importlib.import_module("rundlet.core." + module)
*path, last = name.split(".")
for part in path:
    owner = getattr(owner, part)
real = getattr(owner, last)
def deadly(*arguments, **options):
    if when == "before":
        os.kill(os.getpid(), 9)
    real(*arguments, **options)
    os.kill(os.getpid(), 9)
if what == "remove":
    setattr(owner, last, deadly)
    engine.containers.remove("it", force=True, timeout=0)
else:
    setattr(owner, last, deadly)
    engine.containers.run(ContainerRequest(image="busybox", command=tuple(command), name="it",
        network="none", auto_remove=what == "rm"), Streams(-1))
raise SystemExit("it survived")
"""

BIRTH = [
    ("containers.create", "_layer"),
    ("storage.layers", "Layers.create"),
    ("containers.create", "_bundle"),
    ("containers.create", "_finish"),
    ("containers.initialize", "_mark"),
    ("containers.rootfs", "mount"),
    ("containers.bundle", "write"),
    ("monitor.launch", "spawn"),
    ("monitor.launch", "Launched.go"),
    ("monitor.launch", "Launched.read"),
    ("containers.initialize", "_note_created"),
    ("runtimes.family", "RuncFamily.start"),
    ("containers.start", "_note_started"),
]
END = [
    ("containers.ending", "wait_process"),
    ("containers.cleanup", "release"),
    ("runtimes.family", "RuncFamily.delete"),
    ("containers.rootfs", "unmount"),
    ("containers.remove", "discard"),
]


@pytest.fixture
def store(engine: Engine, busybox_archive: Path) -> Engine:
    """An engine with the busybox image."""
    image = engine.images.pull(f"oci-archive:{busybox_archive}")
    engine.images.tag(image.id, "busybox")
    return engine


def victim(tmp_path: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def check(engine: Engine, allowed: set[str]) -> None:
    """`ps` tells the truth, `rm -f` works, and the name is free again."""
    found = {row.name: row.status for row in engine.containers.list()}
    assert set(found) <= {"it"}
    status = found.get("it", "gone")
    assert status in allowed
    if status == "running":
        row = engine.containers.get("it")
        assert os.path.exists(f"/proc/{row.pid}")
    if status == "created":
        try:  # it can still be started
            engine.containers.start("it")
            engine.containers.stop("it", timeout=0)
        except NoSuchContainer:
            pass
    if status != "gone":
        try:
            engine.containers.remove("it", force=True, timeout=0)
        except NoSuchContainer:
            assert status in ("running", "exited")  # its exit command was faster
    request = ContainerRequest(image="busybox", command=("true",), network="none", name="it")
    assert engine.containers.run(request, Streams(-1)).exit_code == 0
    identity = engine.containers.get("it").id
    engine.containers.remove("it")
    assert engine.database.rows("SELECT id FROM containers") == []
    here = layout()
    assert processes(here, cgroups_path(here, identity)) == []
    assert layers_left(engine) == []


def layers_left(engine: Engine) -> list[str]:
    known = {row[0] for row in engine.database.rows("SELECT id FROM layers")}
    return [layer for layer in engine.layers.driver.layers() if layer not in known]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("module", "name"), BIRTH, ids=lambda text: text.rpartition(".")[2])
def test_killed_while_it_is_born(store, tmp_path, module, name, when) -> None:
    victim(tmp_path, "run", when, module, name, "sleep", "100")
    check(store, {"gone", "created", "initialized", "running"})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["run", "rm"])
@pytest.mark.parametrize(("module", "name"), END, ids=lambda text: text.rpartition(".")[2])
def test_killed_when_it_ends(store, tmp_path, module, name, when, what) -> None:
    if (name, what) == ("discard", "run"):
        pytest.skip("nothing is removed without --rm")
    victim(tmp_path, what, when, module, name, "true")
    # The exit command, which waited for the victim, may clear up at any time from now on.
    check(store, {"gone", "exited", "removing"})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("module", "name"),
    [*END, ("containers.remove", "remove_tree")],
    ids=lambda text: text.rpartition(".")[2],
)
def test_killed_while_it_is_removed(store, tmp_path, module, name, when) -> None:
    request = ContainerRequest(image="busybox", command=("sleep", "9"), network="none", name="it")
    store.containers.run(request, detach=True)
    victim(tmp_path, "remove", when, module, name)
    check(store, {"gone", "exited", "removing", "running"})


def test_a_killed_remover_is_finished_by_the_next_command(store, tmp_path) -> None:
    request = ContainerRequest(image="busybox", command=("true",), network="none", name="it")
    store.containers.create(request)
    victim(tmp_path, "remove", "before", "containers.remove", "remove_tree")
    store.containers.create(request.replace(name="other"))
    assert [row.name for row in store.containers.list()] == ["other"]


def test_a_monitor_that_nobody_knows_of_is_ended(store, request_for) -> None:
    """Its starter was killed before it could note it: it would go on to make the container."""
    made = store.containers.create(request_for("true"))
    live = Path(Paths(store, made.id).live)
    live.parent.mkdir(parents=True)
    live.touch()
    words = [sys.executable, "-c", "import time; time.sleep(600)", "--cuuid", made.id]
    with subprocess.Popen(words) as monitor:
        store.containers.remove(made.id, force=True)
        assert monitor.wait(60) == -signal.SIGKILL


def test_a_killed_monitor(store, request_for) -> None:
    """The container runs on; its end is seen, though its code is not known."""
    store.containers.run(request_for("sleep", "100", name="it"), detach=True)
    row = store.containers.get("it")
    os.kill(row.monitor_pid, signal.SIGKILL)
    time.sleep(0.1)
    assert store.containers.get("it").status == "running"
    os.kill(row.pid, signal.SIGKILL)
    assert store.containers.wait("it") == 255
    now = store.containers.get("it")
    assert (now.status, now.exit_code) == ("exited", 255)
    assert store.containers.start("it").status == "running"


def test_a_killed_client_and_monitor(store, tmp_path, request_for) -> None:
    victim(tmp_path, "run", "after", "containers.start", "_note_started", "sleep", "100")
    row = store.containers.get("it")
    assert row.status == "running"
    os.kill(row.monitor_pid, signal.SIGKILL)
    store.containers.stop("it", timeout=0)
    assert store.containers.get("it").exit_code == 255
    check(store, {"exited"})


def test_a_reboot(store, request_for) -> None:
    """Another boot of the machine: the pid in the row means nothing any more."""
    store.containers.run(request_for("sleep", "100", name="it"), detach=True)
    row = store.containers.get("it")
    store.database.execute(
        "INSERT INTO exec_sessions (id, container, pid, pid_start, created)"
        " VALUES ('old', ?, 999999999, 1, 1)",
        row.id,
    )
    store.database.execute("UPDATE containers SET boot = 'another'")
    now = store.containers.get("it")
    assert (now.status, now.exit_code, now.pid) == ("exited", 255, 0)
    assert now.finished >= row.started  # not at the beginning of time
    assert store.containers.inspect("it")["ExecIDs"] == []
    os.kill(row.pid, signal.SIGKILL)


def test_a_damaged_bundle_can_be_removed(store, request_for) -> None:
    store.containers.run(request_for("sleep", "100", name="it"), detach=True)
    row = store.containers.get("it")
    graph = Path(store.settings.graph_root, "containers", row.id)
    (graph / "config.json").write_text("{")
    assert store.containers.inspect("it")["Name"] == "it"
    store.containers.remove("it", force=True, timeout=0)


def test_a_full_store_leaves_nothing(store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr("rundlet.core.containers.create._bundle", full)
    request = ContainerRequest(image="busybox", command=("true",), network="none", name="it")
    with pytest.raises(OSError, match="No space"):
        store.containers.create(request)
    assert store.containers.list() == []
    assert layers_left(store) == []
