"""Locks: one holder, whatever happens between opening a file and locking it."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

import pytest

from rundlet.core.errors import Busy
from rundlet.core.state.locks import Locks


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return Locks(str(tmp_path / "locks"), timeout=0)


def test_one_holder_who_is_named(locks: Locks) -> None:
    ourselves = Path("/proc/self/cmdline").read_text().partition("\0")[0]
    named = re.escape(f"volume a/b is held by process {os.getpid()} ({ourselves}")
    with (
        locks.hold("volume", "a/b"),
        locks.hold("volume", "other"),
        pytest.raises(Busy, match=named),
        locks.hold("volume", "a/b"),
    ):
        pass
    assert os.listdir(locks.directory) == []
    with locks.hold("volume", "a/b"):
        pass


def test_a_file_that_its_last_holder_took_away_is_no_lock(
    locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We open it; its holder goes, and takes it along; another makes and locks a new one."""
    first, second = locks.hold("volume", "a"), locks.hold("volume", "a")
    first.__enter__()
    real, passed = fcntl.flock, []

    def flock(descriptor: int, how: int) -> None:
        if not passed:
            passed.append("by")
            first.__exit__(None, None, None)
            second.__enter__()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(Busy), locks.hold("volume", "a"):
        pass
    second.__exit__(None, None, None)
    assert os.listdir(locks.directory) == []
