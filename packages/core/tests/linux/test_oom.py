"""oom_score_adj of processes that run."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rundlet.core.linux import oom


def test_all_processes_have_the_score_also_those_forked_meanwhile() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    other = subprocess.Popen(["sleep", "60"])
    try:
        gone = subprocess.Popen(["true"])
        gone.wait()
        lists = [[sleeper.pid, gone.pid], [sleeper.pid, other.pid], [sleeper.pid, other.pid]]
        assert oom.adjust(lambda: lists.pop(0), 321)
        for process in (sleeper, other):
            assert Path(f"/proc/{process.pid}/oom_score_adj").read_text() == "321\n"
        assert not lists
    finally:
        for process in (sleeper, other):
            process.kill()
            process.wait()
