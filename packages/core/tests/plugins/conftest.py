"""Distributions that are not installed but indexed: rows and modules of a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rundlet.core.plugins import index as index_module
from rundlet.core.plugins.index import KINDS
from rundlet.core.plugins.manager import Plugins
from rundlet.core.settings.snapshot import Settings

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Install]:
    """`install(kind, name, source)`: a plugin of a distribution that is called `third`."""
    rows = {group: list(found) for group, found in index_module.scan().items()}
    monkeypatch.setattr(index_module, "_memory", rows)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def add(kind: str, name: str, source: str) -> None:
        module = f"third_{kind}_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        rows.setdefault(KINDS[kind], []).append((name, module, "third", "1.2"))

    yield add
    for name in set(sys.modules) - before:
        if name.startswith("third_"):
            del sys.modules[name]


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    return Plugins(Settings(graph_root=str(tmp_path / "root"), run_root=str(tmp_path / "run")))
