"""Runtimes that hang, or lost what they made: errors say so, and a container can be removed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from devtools.fixtures import needs
from rundlet.core.containers import stop
from rundlet.core.containers.state import boot_id, has_process
from rundlet.core.engine import Engine
from rundlet.core.errors import NoSuchContainer, RundletError, RuntimeFailed, TimedOut, WrongState
from rundlet.core.linux.processes import start_time
from rundlet.core.monitor import program
from rundlet.core.runtimes import family
from rundlet.core.state import containers as rows

from .conftest import Request

LIAR = """#!/bin/sh
# runc, but for the subcommands in the file beside it: these never end. A half made container
# stays when it ends there.
for word in $(cat $0.hangs); do
    case " $* " in *" $word "*)
        [ $word = create ] && runc "$@"
        exec sleep 1000
    esac
done
exec runc "$@"
"""


class Liar:
    """A runtime whose subcommands hang at will, and then are not waited for as long as usual."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._patch = patch
        path.write_text(LIAR)
        path.chmod(0o755)
        self.hang()

    def hang(self, *subcommands: str, patience: float = 2.0) -> None:
        Path(f"{self.path}.hangs").write_text(" ".join(subcommands))
        for module in (family, program):
            self._patch.setattr(module, "PATIENCE", patience if subcommands else 300.0)


@pytest.fixture
def liar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Liar:
    needs("runc", "conmon")
    monkeypatch.setattr(stop, "KILL_GRACE", 1.0)
    return Liar(tmp_path / "liar", monkeypatch)


@pytest.fixture
def engine(open_engine: Callable[..., Engine], liar: Liar) -> Engine:
    return open_engine("runc", str(liar.path))


# Where all hang that are called nobody is hurried by a short patience.
@pytest.mark.parametrize(
    ("subcommands", "patience"), [(("kill",), 2.0), (("kill", "state", "delete"), 0.5)]
)
def test_one_that_hangs(
    engine: Engine,
    liar: Liar,
    request_for: Request,
    subcommands: tuple[str, ...],
    patience: float,
) -> None:
    row = engine.containers.create(request_for("sleep", "1000"))
    running = engine.containers.start(row.id)
    liar.hang(*subcommands, patience=patience)
    with pytest.raises(RuntimeFailed, match=f"liar has not ended within {patience:g} s"):
        engine.containers.kill(row.id, "USR1")
    engine.containers.remove(row.id, force=True, timeout=0)
    assert engine.containers.list() == []
    assert not has_process(running)


def test_one_that_does_not_create(engine: Engine, liar: Liar, request_for: Request) -> None:
    row = engine.containers.create(request_for("true"))
    liar.hang("create")
    with pytest.raises(TimedOut, match="runc has not made the container within 2 s"):
        engine.containers.start(row.id)
    liar.hang()
    engine.containers.start(row.id)
    assert engine.containers.wait(row.id) == 0


def test_one_that_has_lost_it(engine: Engine, tmp_path: Path, request_for: Request) -> None:
    row = engine.containers.create(request_for("sleep", "1000"))
    running = engine.containers.start(row.id)
    shutil.rmtree(tmp_path / "run/oci/runc" / row.id)
    with pytest.raises(NoSuchContainer) as caught:
        engine.containers.kill(row.id, "USR1")
    assert "runc knows nothing of it" in caught.value.remedy
    engine.containers.stop(row.id, timeout=0)
    assert not has_process(running)


def test_a_creator_is_no_process_of_the_container(engine: Engine, request_for: Request) -> None:
    """A server whose disk was full when it made a container still has its row: it lives on."""
    row = engine.containers.create(request_for("true"))
    with subprocess.Popen(["sleep", "1000"]) as creator:
        started = start_time(creator.pid)
        half = {"status": "creating", "pid": creator.pid, "pid_start": started, "boot": boot_id()}
        rows.update(engine.database, row.id, **half)
        with suppress(RundletError):
            engine.containers.stop(row.id, timeout=0)
        with pytest.raises(WrongState, match=f"is being created by process {creator.pid}"):
            engine.containers.remove(row.id, force=True)
        assert start_time(creator.pid) == started
        creator.kill()
    engine.containers.remove(row.id, force=True)
