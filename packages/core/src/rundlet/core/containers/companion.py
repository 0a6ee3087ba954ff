"""A process of ours beside a container's, which ends with it: there is no daemon.

PYTHON ... ROOT RUNROOT ID PID START MORE...
"""

from __future__ import annotations

import os

from ..linux.ourselves import program
from ..linux.processes import start_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


def begin(module: str, engine: Engine, row: Container, *more: str) -> None:
    """Start a module (linux/ourselves.py), for a container whose process is there."""
    from ..linux.spawn import in_background
    from . import helpers

    settings = engine.settings
    words = (settings.graph_root, settings.run_root, row.id, str(row.pid), str(row.pid_start))
    in_background((*program(module), *words, *more), {**os.environ, **helpers.environment(engine)})


def process(pid: str, started: str) -> int:
    """A pidfd of the container's process (readable when it has ended); -1: it is gone."""
    try:
        found = os.pidfd_open(int(pid))
    except OSError:
        return -1
    return found if start_time(int(pid)) == int(started) else -1
