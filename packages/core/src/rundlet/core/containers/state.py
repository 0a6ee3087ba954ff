"""What state a container is in: derived from its row and from what is really there.

The row says what was last known; whether the process lives, and the exit file, say more.
Nothing here takes a lock, and nothing runs the OCI runtime but for a container whose
starter was killed half-way.
"""

from __future__ import annotations

import fcntl
import os
import time

from ..linux.processes import alive
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from ..engine import Engine
    from ..state.containers import ContainerRow

    Row = TypeVar("Row", bound=ContainerRow)

LIVE = ("initialized", "running", "paused", "stopping")
GOING = ("running", "stopping")
"""Those that run, and can be entered: also while they have time to end by themselves."""

UNKNOWN_EXIT = 255
"""The exit code where none was left: the monitor was killed, or the machine went down."""

_boot = ""


def boot_id() -> str:
    """Which boot of the machine this is (random(4)); process ids of another one mean nothing."""
    global _boot
    if not _boot:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            _boot = file.read().strip()
    return _boot


def has_process(row: ContainerRow) -> bool:
    """Whether the container's process lives. Of one that is being created it is the creator's."""
    if row.status == "creating":
        return False
    return row.pid > 0 and row.boot == boot_id() and alive(row.pid, row.pid_start)


def has_monitor(row: ContainerRow) -> bool:
    """Whether its monitor lives."""
    return (
        row.monitor_pid > 0 and row.boot == boot_id() and alive(row.monitor_pid, row.monitor_start)
    )


def derive(engine: Engine, row: Row) -> Row:
    """The row with the state that is true now; the stored row is not touched."""
    if row.status not in LIVE:
        return row
    paths = Paths(engine, row.id)
    if has_process(row):
        if row.status == "initialized" and not attended(paths):
            return row.replace(status=_ask(engine, row))
        if row.status == "stopping" and not held(paths.stopping, fcntl.LOCK_EX):
            return row.replace(status="running")  # who stopped it was killed, or gave up
        return row
    code, finished = exit_status(paths)
    return row.replace(
        status="exited",
        pid=0,
        exit_code=code,
        finished=finished or row.finished or _latest_end(row),
        oom_killed=int(os.path.exists(paths.oom)),
    )


def _latest_end(row: ContainerRow) -> int:
    """When it ended (ns) where nobody noted that: at the latest when this boot began, or now."""
    now = time.time_ns()
    if row.boot == boot_id():
        return now
    return max(row.started, now - time.clock_gettime_ns(time.CLOCK_BOOTTIME))


def exit_status(paths: Paths) -> tuple[int, int]:
    """The exit code that the monitor left and when (ns); UNKNOWN_EXIT and 0 without one."""
    try:
        with open(paths.exit_file, "rb") as file:
            return int(file.read()), os.fstat(file.fileno()).st_mtime_ns
    except (OSError, ValueError):
        return UNKNOWN_EXIT, 0


def attended(paths: Paths) -> bool:
    """Whether a process is starting the container now, or watches it in the foreground."""
    return held(paths.attended, fcntl.LOCK_SH)


def held(path: str, how: int) -> bool:
    """Whether others have a file locked, so that `how` (fcntl.LOCK_SH, LOCK_EX) would wait."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _ask(engine: Engine, row: ContainerRow) -> str:
    """The state of a container whose starter is gone, from its runtime."""
    found = engine.plugins.runtime(row.runtime).state(row.id)
    if found is None or found.status in ("creating", "created"):
        return "initialized"
    return "exited" if found.status == "stopped" else found.status
