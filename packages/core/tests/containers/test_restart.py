"""A restart policy acts on the end that it has seen, and on no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rundlet.core import Engine
from rundlet.core.containers import restart, start
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.containers.stored import request_text
from rundlet.core.settings.snapshot import Settings
from rundlet.core.state.containers import Container


class _Started(Exception):
    pass


@pytest.mark.parametrize("meanwhile", ["", "finished = 2", "status = 'running'"])
def test_another_start_meanwhile_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """meanwhile: what others do while it waits; a run of theirs may have ended by then."""

    def started(*_: Any, **__: Any) -> None:
        raise _Started

    settings = Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run"))
    with Engine(settings) as engine:

        def pause(row: Container) -> float:
            if meanwhile:
                engine.database.execute(f"UPDATE containers SET {meanwhile}")
            return 0

        request = request_text(ContainerRequest(restart="always"))
        engine.database.execute(
            "INSERT INTO containers (id, name, runtime, status, created, finished, request)"
            " VALUES ('c', 'c', 'runc', 'exited', 1, 1, ?)",
            request,
        )
        monkeypatch.setattr(restart, "pause", pause)
        monkeypatch.setattr(start, "start_held", started)
        if meanwhile:
            restart.again(engine, "c")
        else:
            with pytest.raises(_Started):
                restart.again(engine, "c")
