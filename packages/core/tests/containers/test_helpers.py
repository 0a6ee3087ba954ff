"""The settings of a command reach the processes that go on with its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.containers import helpers
from rundlet.core.settings.snapshot import Settings


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network_config_dirs": ("/a", "/b"), "storage_options": {"overlay": {"mountopt": "x"}}},
        {"default_capabilities": (), "compression_level": 3, "retry_delay": 0.25, "init": True},
        {"runtimes": {"crun": {"args": ("--debug",)}}, "volume_path": "/v\udcff", "umask": ""},
    ],
)
def test_told_and_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    roots = Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run"))
    with Engine(roots.replace(**changes)) as engine:
        for name, value in helpers.environment(engine).items():
            monkeypatch.setenv(name, value)
        with helpers.engine("/not/used", "/not/used") as heard:
            assert helpers.environment(heard) == helpers.environment(engine)
            assert heard.settings.network_config_dirs == engine.settings.network_config_dirs


def test_nothing_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand, or of another version: a field that is not known is left out."""
    with helpers.engine(str(tmp_path / "graph"), str(tmp_path / "run")) as engine:
        assert engine.settings.graph_root == str(tmp_path / "graph")
    monkeypatch.setenv("RUNDLET_SETTINGS", '{"umask": "0077", "of_a_later_version": 1}')
    with helpers.engine("/not/used", "/not/used") as engine:
        assert engine.settings.umask == "0077"
