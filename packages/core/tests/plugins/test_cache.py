"""A cache saves time and nothing else: whatever is wrong with it, it is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rundlet.core.plugins import cache


def test_kept_under_its_key(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "file")
    assert cache.read(path, 1) is None
    cache.write(path, ("key", 1), {"a": [1, "b"]})
    assert cache.read(path, ("key", 1)) == {"a": [1, "b"]}
    assert cache.read(path, ("key", 2)) is None
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["file"]


def test_what_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    cache.write(str(path), 1, "x")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o620)
    assert cache.read(str(path), 1) is None


def test_nothing_is_said_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache.write(str(tmp_path / "file" / "below"), 1, "x")
    cache.write(str(tmp_path / "other"), 1, object())
    assert not (tmp_path / "other").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=60))
def test_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    path.chmod(0o600)
    assert cache.read(str(path), "key") is None


@pytest.mark.parametrize(
    ("environment", "ends"),
    [({"RUNDLET_CACHE": "/x"}, "/x"), ({}, "rundlet/cache")],
)
def test_where(environment: dict[str, str], ends: str) -> None:
    assert cache.directory(environment).endswith(ends)
