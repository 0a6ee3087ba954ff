"""Births and deaths of directories: whole or not there, whatever comes between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rundlet.core.linux import syscalls
from rundlet.core.storage import staging


def test_a_durable_birth_is_on_disk_before_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut tears must not have its name."""
    shown: list[bool] = []
    born = tmp_path / "layer"
    monkeypatch.setattr(syscalls, "syncfs", lambda descriptor: shown.append(born.exists()))
    with staging.Birth(str(tmp_path), "layer", durable=True) as path:
        Path(path, "file").touch()
    assert shown == [False]
    assert os.listdir(born) == ["file"]


def test_a_death_that_is_cut_short_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staging.Birth(str(tmp_path), "layer") as path:
        for name in ("one", "two"):
            Path(path, name).touch()

    def cut(path: str) -> None:
        Path(path, "one").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(staging, "delete", cut)
        staging.bury(str(tmp_path), "layer")
    assert not (tmp_path / "layer").exists()
    staging.collect(str(tmp_path))
    assert os.listdir(tmp_path / staging.NAME) == []


def test_one_that_is_taken_for_garbage_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = staging._lock, iter([True])

    def late(descriptor: int) -> bool:
        if next(taken, False):
            staging.collect(str(tmp_path))
        return lock(descriptor)

    monkeypatch.setattr(staging, "_lock", late)
    with staging.Birth(str(tmp_path), "layer") as path:
        Path(path, "file").touch()
    assert os.listdir(tmp_path / "layer") == ["file"]
