"""Moves that are paid for ahead."""

from __future__ import annotations

import os
from pathlib import Path

from rundlet.core.cgroups import ahead


def test_nothing_is_moved() -> None:
    own = Path(ahead._own())
    before = Path("/proc/self/cgroup").read_text()
    assert str(os.getpid()) in (own / "cgroup.procs").read_text().split()
    ahead._move_nowhere()
    assert Path("/proc/self/cgroup").read_text() == before
