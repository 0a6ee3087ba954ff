"""Locks: alone, shared, handed on."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from rundlet.core.errors import Busy
from rundlet.net_cni.locks import FileLock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "locks" / "one")


def yes() -> bool:
    return True


def refused(lock: FileLock) -> None:
    with pytest.raises(Busy, match=r"not free for 0\.05 s"), lock:
        pass


def test_alone(path: str) -> None:
    with FileLock(path, 1):
        refused(FileLock(path, 0.05))
    with FileLock(path, 0):
        pass


def test_shared(path: str) -> None:
    with FileLock(path, 1, shared=yes), FileLock(path, 1, shared=yes):
        refused(FileLock(path, 0.05))


def test_sharing_is_asked_again_while_waiting(path: str) -> None:
    asked: list[bool] = []

    def later() -> bool:
        asked.append(len(asked) > 2)
        return asked[-1]

    with FileLock(path, 1, shared=yes), FileLock(path, 5, shared=later):
        assert asked[-1]


def test_who_waits_to_be_alone_keeps_others_out(path: str) -> None:
    gate = f"{path}.gate"
    with FileLock(path, 1, shared=yes, gate=gate), FileLock(gate, 1):
        refused(FileLock(path, 0.05, shared=yes, gate=gate))


def test_a_passing_lock_leaves_no_file(path: str) -> None:
    with FileLock(path, 1, passing=True):
        assert os.path.exists(path)
    assert not os.path.exists(path)


def test_without_patience_it_is_done_without_the_lock(path: str) -> None:
    with FileLock(path, 1), FileLock(path, 0.05, patient=False, passing=True) as descriptor:
        assert descriptor >= 0
    assert os.path.exists(path), "the lock of somebody else was removed"


def test_a_child_keeps_it(path: str) -> None:
    with FileLock(path, 1) as descriptor:
        child = subprocess.Popen(["sleep", "0.3"], pass_fds=[descriptor])
    begun = time.monotonic()
    with FileLock(path, 5):
        assert time.monotonic() - begun > 0.1
    child.wait()
