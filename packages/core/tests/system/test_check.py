"""What a check must leave alone: the work of processes that live."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.containers import unfinished
from rundlet.core.containers.abandoned import end_commands
from rundlet.core.containers.attending import Attending
from rundlet.core.containers.paths import Paths
from rundlet.core.linux.processes import partial_name
from rundlet.core.settings.snapshot import Settings
from rundlet.core.state import containers as rows
from rundlet.core.system import builds
from rundlet.core.system.check import check, repair
from rundlet.core.system.check_containers import collect_networks

ID = "c" * 64
STRAY = "d" * 64


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run"))
    with Engine(settings) as engine:
        yield engine


def add(engine: Engine, status: str) -> None:
    """A container that this process is making, or has made."""
    from rundlet.core.containers.state import boot_id
    from rundlet.core.linux.processes import start_time

    engine.database.execute(
        "INSERT INTO containers (id, name, runtime, status, created, request, boot, pid, pid_start)"
        " VALUES (?, 'c', 'crun', ?, 1, '{}', ?, ?, ?)",
        *(ID, status, boot_id(), os.getpid(), start_time(os.getpid())),
    )


def test_a_container_that_is_being_made_keeps_its_directory(engine: Engine) -> None:
    add(engine, "creating")
    for name in (ID, STRAY):
        Path(engine.settings.graph_root, "containers", name).mkdir(parents=True)
    assert [STRAY in problem.message for problem in check(engine)] == [True]
    repair(engine)
    unfinished.collect(engine)  # as each `create` does
    assert os.listdir(f"{engine.settings.graph_root}/containers") == [ID]
    assert rows.by_id(engine.database, ID) is not None


@pytest.mark.parametrize("other", ["pid_start = pid_start + 1", "boot = 'another'"])
def test_one_whose_maker_had_our_pid_before_us_is_removed(engine: Engine, other: str) -> None:
    add(engine, "creating")
    engine.database.execute(f"UPDATE containers SET {other}")
    assert ["its process was killed" in problem.message for problem in check(engine)] == [True]
    unfinished.collect(engine)
    assert rows.by_id(engine.database, ID) is None


def test_a_container_that_is_being_started_is_left_to_its_starter(engine: Engine) -> None:
    add(engine, "created")
    engine.database.execute("UPDATE containers SET pid = 0")
    live = Path(Paths(engine, ID).live)
    live.parent.mkdir(parents=True)
    live.touch()
    with Attending(Paths(engine, ID), starting=True):
        assert not list(check(engine))
    assert ["was not cleaned up" in problem.message for problem in check(engine)] == [True]


def test_pods_and_new_containers_keep_their_networks(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(engine, "creating")
    engine.database.execute("INSERT INTO pods (id, name, created) VALUES ('p', 'p', 1)")
    kept: list[str] = []

    def collect(valid: list[object]) -> None:
        assert engine.database.in_transaction, "one that attaches now would not be waited for"
        kept.extend(str(one.container) for one in valid)  # type: ignore[attr-defined]

    monkeypatch.setattr(engine.networks, "collect", collect)
    collect_networks(engine)
    assert kept == [ID, "p"]


def test_what_a_killed_waiter_left_of_a_command_is_cleared(engine: Engine) -> None:
    add(engine, "running")
    rows.add_session(engine.database, "noted", ID, 1, "{}")
    directory = Path(Paths(engine, ID).run, "exec")
    for name in ("noted", "stray"):
        (directory / name).mkdir(parents=True)
    end_commands(engine, ID)
    assert os.listdir(directory) == ["noted"]


def test_repair_clears_the_locks_of_killed_processes(engine: Engine) -> None:
    path = Path(engine.locks.path("blob", "sha256:a"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with engine.locks.hold("volume", "mine"):
        repair(engine)
        assert os.listdir(path.parent) == ["volume-mine"]


def test_what_killed_processes_were_writing_is_found(engine: Engine) -> None:
    directory = Path(engine.settings.graph_root, "runtimes")
    directory.mkdir(parents=True)
    ours = Path(partial_name(str(directory / "a.json")))
    theirs = directory / f"a.json.{2**22 + 1}.partial"  # above the largest pid_max
    for path in (ours, theirs):
        path.touch()
    assert [str(theirs) in problem.message for problem in check(engine)] == [True]
    repair(engine)
    assert list(directory.iterdir()) == [ours]


def test_a_blob_that_comes_while_it_is_checked_is_kept(engine: Engine) -> None:
    digest = engine.blobs.put_bytes(b"content").digest
    path = Path(engine.blobs.path(digest))
    content = path.read_bytes()
    path.unlink()  # its row is there first
    (found,) = [problem for problem in check(engine) if digest in problem.message]
    assert found.leftover
    assert found.repair is not None
    path.write_bytes(content)
    found.repair()
    assert engine.blobs.has(digest)
    path.write_bytes(b"damaged")
    (found,) = [problem for problem in check(engine) if digest in problem.message]
    assert not found.leftover
    repair(engine)
    assert not engine.blobs.has(digest)


def test_secrets_of_killed_builds_are_found(engine: Engine) -> None:
    private = Path(builds.private_directory(engine))
    ours, theirs = private / f"{builds.ourselves()}.a", private / f"{os.getpid()}:1.b"
    for path in (ours, theirs):
        path.mkdir(parents=True)
    assert [str(theirs) in problem.message for problem in check(engine)] == [True]
    repair(engine)
    assert list(private.iterdir()) == [ours]


def test_secrets_whose_value_is_gone_are_found(engine: Engine) -> None:
    engine.secrets.store("here", b"1")
    lost = engine.secrets.store("lost", b"2")
    Path(engine.settings.graph_root, "secrets/file", lost.id).unlink()
    (found,) = check(engine)
    assert "secret lost: the driver file has lost its value" in found.message
    engine.secrets.remove("lost")
    assert list(check(engine)) == []


def test_what_cannot_be_repaired_says_why(engine: Engine) -> None:
    engine.volumes.create("v")
    directory = Path(engine.volumes.path("v")).parent
    shutil.rmtree(directory)
    directory.touch()  # a file in its place
    (left,) = repair(engine).left
    assert left.startswith("volume v: its directory is gone (") and "File exists" in left
