"""The secret driver `file`: the contract, and what only it does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rundlet.core.errors import InvalidArgument, NoSpace, NoSuchSecret, StoreError
from rundlet.core.secrets.file import FileSecrets
from rundlet.core.testing.secrets import SecretDriverContract


class TestFile(SecretDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> FileSecrets:
        return FileSecrets(str(tmp_path / "home"))


def test_ids_stay_in_the_directory(tmp_path: Path) -> None:
    driver = FileSecrets(str(tmp_path / "home"))
    (tmp_path / "victim").write_text("x")
    for name in ("../victim", "a/b", "", ".", "..", "a\0b", ".hidden"):
        for call in (driver.lookup, driver.delete, lambda name: driver.store(name, b"x")):
            with pytest.raises(InvalidArgument):
                call(name)
    assert (tmp_path / "victim").read_text() == "x"


def test_a_failed_write_leaves_the_old_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = FileSecrets(str(tmp_path / "home"))
    driver.store("a", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpace, match="cannot keep secret a"):
        driver.store("a", b"new")
    assert driver.lookup("a") == b"old"
    assert os.listdir(tmp_path / "home") == ["a"]


def test_what_is_half_written_is_not_listed(tmp_path: Path) -> None:
    driver = FileSecrets(str(tmp_path))
    (tmp_path / ".a.0123").write_bytes(b"half")
    assert driver.list() == []


def test_option_path(tmp_path: Path) -> None:
    driver = FileSecrets(str(tmp_path / "home"), {"path": str(tmp_path / "other")})
    driver.store("a", b"x")
    assert (tmp_path / "other" / "a").read_bytes() == b"x"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    driver = FileSecrets(str(tmp_path / "home"))
    assert not driver.probe().works
    with pytest.raises(StoreError, match="cannot keep secret a"):
        driver.store("a", b"x")
    with pytest.raises((StoreError, NoSuchSecret)):
        driver.lookup("a")
