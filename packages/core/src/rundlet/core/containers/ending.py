"""Waiting for the end of a container's process, woken by the kernel: pidfds and inotify."""

from __future__ import annotations

import _signal as signal  # the module signal makes enums of them, for 1.5 ms
import os
import time

from ..linux.processes import alive, readable
from .paths import Paths
from .state import has_monitor, has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import ContainerRow

MONITOR_GRACE = 5.0
"""Seconds that a monitor has to write the exit code after the exit. It may hang behind a
client that does not read; what it has not written then, it never will."""


def wait_process(row: ContainerRow, timeout: float | None = None) -> bool:
    """Wait until the process of a row has ended; False when `timeout` seconds passed first."""
    if not has_process(row):
        return True
    descriptor = _pidfd(row.pid, row.pid_start)
    if descriptor < 0:
        return True
    try:
        return readable([descriptor], timeout)
    finally:
        os.close(descriptor)


def kill_process(row: ContainerRow) -> None:
    """SIGKILL for the process of a row, without its runtime; nothing where it has ended."""
    descriptor = _pidfd(row.pid, row.pid_start)
    if descriptor < 0:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


def wait_watched(row: ContainerRow) -> bool:
    """As `wait_process`; False when it lives on for MONITOR_GRACE without its monitor."""
    process, monitor = _pidfd(row.pid, row.pid_start), _pidfd(row.monitor_pid, row.monitor_start)
    try:
        if process >= 0 and monitor >= 0:
            readable([process, monitor], None)
    finally:
        for descriptor in (process, monitor):
            if descriptor >= 0:
                os.close(descriptor)
    return wait_process(row, MONITOR_GRACE)


def wait_exit_file(engine: Engine, row: ContainerRow) -> bool:
    """After the exit: wait until its monitor has left the exit code; False when it never will."""
    path = Paths(engine, row.id).exit_file
    if os.path.exists(path):
        return True
    if not has_monitor(row):
        return os.path.exists(path)
    from ..linux.inotify import IN_CREATE, IN_MOVED_TO, Watch

    monitor = _pidfd(row.monitor_pid, row.monitor_start)
    try:
        with Watch(os.path.dirname(path), IN_CREATE | IN_MOVED_TO) as watch:
            deadline = time.monotonic() + MONITOR_GRACE
            while not os.path.exists(path):
                left = deadline - time.monotonic()
                descriptors = [watch.fileno(), *([monitor] if monitor >= 0 else [])]
                if left <= 0 or not readable(descriptors, left):
                    break
                watch.drain()
                if monitor < 0 or readable([monitor], 0):
                    break
    finally:
        if monitor >= 0:
            os.close(monitor)
    return os.path.exists(path)


def _pidfd(pid: int, started: int) -> int:
    """A descriptor of exactly that process; -1 when it is gone."""
    if pid <= 0:
        return -1
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return -1
    if not alive(pid, started):
        os.close(descriptor)
        return -1
    return descriptor
