"""Where archives are unpacked, and what is beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .unpacking import snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory that must be as it was after the test."""
    path = tmp_path / "outside"
    path.mkdir(mode=0o700)
    (path / "precious").write_text("precious")
    (path / "precious").chmod(0o600)
    before = snapshot(path)
    yield path
    assert snapshot(path) == before
