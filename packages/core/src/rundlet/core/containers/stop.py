"""Containers are stopped, killed, paused."""

from __future__ import annotations

import fcntl
import os
import time

from ..errors import NotFound, RuntimeFailed, WrongState
from ..format import signals
from ..linux.processes import listening
from ..state import containers as rows
from . import cgroupless, cleanup, ending, notify
from .attending import Attending
from .paths import Paths
from .restart import has_policy, mark_stopped
from .state import derive, has_process
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.runtime import OCIRuntime
    from ..engine import Engine
    from ..state.containers import Container

KILL_GRACE = 5.0
"""Seconds that the kernel has to end a process that got SIGKILL."""
_LISTENING = 0.1
"""Seconds between two looks at whether a process has a handler by now."""


def stop(engine: Engine, row: Container, timeout: float | None = None) -> Container:
    """Send the stop signal, after `timeout` seconds SIGKILL, and clean up.

    timeout: None takes the container's own (`--stop-timeout`), else the settings'.
    A container that does not run is as it should be already. Raises WrongState for a paused one.
    """
    true = derive(engine, row)
    if true.status == "paused":
        raise WrongState(f"container {row.id} is paused", remedy="unpause it first")
    if has_process(true) or has_policy(request_of(row.request)):
        mark_stopped(engine, row)
    if not has_process(true) or true.status == "initialized":
        true = cleaned(engine, row)  # after whoever is starting it just now
    # One whose restart had begun before the mark runs again by now.
    while has_process(true):
        with Attending(Paths(engine, row.id), starting=False):
            end(engine, true, timeout)
            notify.event(engine, true, "stop")
            true = cleaned(engine, true)
    return true


def end(engine: Engine, row: Container, timeout: float | None = None) -> None:
    """End the process of a row: politely for `timeout` seconds, then surely.

    Raises RuntimeFailed when even SIGKILL does not end it (a process in the kernel's hands).
    """
    request = request_of(row.request)
    if timeout is None:
        timeout = float(
            engine.settings.stop_timeout if request.stop_timeout is None else request.stop_timeout
        )
    runtime = engine.plugins.runtime(row.runtime)
    if row.status == "paused":
        _try(runtime.resume, row.id)
    if timeout > 0 and row.status != "paused":
        with _Stopping(engine, row):
            if _asked(runtime, row, timeout):
                return
        _tell(row, timeout)
    _try(runtime.kill, row.id, 9, all_processes=request.pid == "host")
    if ending.wait_process(row, KILL_GRACE):
        return
    # The runtime has lost it, or hangs.
    ending.kill_process(row)
    _try(runtime.delete, row.id, force=True)
    if not ending.wait_process(row, KILL_GRACE):
        raise RuntimeFailed(
            f"container {row.id}: process {row.pid} does not end",
            remedy="it may wait for a device or a network file system: see /proc/PID/stack",
        )


class _Stopping:
    """A context in which a container that runs is shown as "stopping".

    The row says so, and a lock that we hold: without one, as after a kill, it runs (`derive`).
    """

    def __init__(self, engine: Engine, row: Container) -> None:
        self._engine = engine
        self._row = row
        self._lock = -1

    def __enter__(self) -> None:
        try:
            path = Paths(self._engine, self._row.id).stopping
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return  # nothing of a run is left
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        rows.note_stopping(self._engine.database, self._row.id, self._row.pid)

    def __exit__(self, *_: object) -> None:
        if self._lock >= 0:
            os.close(self._lock)


def _asked(runtime: OCIRuntime, row: Container, timeout: float) -> bool:
    """Send the stop signal and wait; whether the process has ended within `timeout` seconds.

    The kernel drops what a container's init has no handler for, as none has in its first
    instants: one that gets a handler later is asked then. So is the next program of the process,
    where one only blocked the signal: the runtime's own does, before it becomes the container's.
    """
    signal, deadline = stop_signal(row), time.monotonic() + timeout
    asked = listening(row.pid, signal)
    _try(runtime.kill, row.id, signal)
    while not asked.handled:
        left = deadline - time.monotonic()
        if left <= 0 or ending.wait_process(row, min(left, _LISTENING)):
            return left > 0
        found = listening(row.pid, signal)
        if found.handled or found.program not in ("", asked.program):
            _try(runtime.kill, row.id, signal)
            asked = found
    return ending.wait_process(row, max(0.0, deadline - time.monotonic()))


def _tell(row: Container, timeout: float) -> None:
    """That the process did not heed its signal: often nobody meant it to be killed."""
    from .bundle import warn  # much to import, and this is rare

    signal = signals.name(stop_signal(row))
    warn((
        f"StopSignal {signal} failed to stop container {row.name} in {timeout:.0f} seconds,"
        " resorting to SIGKILL",
    ))  # fmt: skip


def _try(call: Callable[..., object], *arguments: object, **options: object) -> None:
    """Signals to a process that ended meanwhile, or that the runtime has lost, are no error."""
    try:
        call(*arguments, **options)
    except (WrongState, NotFound, RuntimeFailed):
        return


def stop_signal(row: Container) -> int:
    """The number of the container's stop signal: its own, its image's, else SIGTERM."""
    from .. import json

    image = json.loads(row.extra).get("image", {})
    return signals.number(
        request_of(row.request).stop_signal or str(image.get("StopSignal") or "TERM")
    )


def cleaned(engine: Engine, row: Container) -> Container:
    """Clean up after the exit; the row then (its last state, when it was removed)."""
    from ..errors import NoSuchContainer

    try:
        return cleanup.cleanup(engine, row.id) or derive(engine, row)
    except NoSuchContainer:
        return derive(engine, row)


def kill(engine: Engine, row: Container, signal: str = "KILL") -> Container:
    """Send a signal. Raises WrongState for a container that does not run, InvalidArgument."""
    chosen = signals.number(signal)
    true = derive(engine, row)
    if true.status not in ("running", "paused", "stopping"):
        raise WrongState(
            f"can only kill running containers. {row.id} is in state {true.status}:"
            " container state improper"
        )
    if chosen in (9, stop_signal(row)):
        mark_stopped(engine, row)
    engine.plugins.runtime(row.runtime).kill(row.id, chosen)
    notify.event(engine, true, "kill", signal=str(chosen))
    if chosen == 9:
        ending.wait_process(true, KILL_GRACE)
    return derive(engine, true)


def pause(engine: Engine, row: Container) -> Container:
    """Freeze all processes. Raises WrongState, NotSupported."""
    with engine.locks.hold("container", row.id):
        true = derive(engine, rows.find(engine.database, row.id))
        if true.status == "paused":
            raise WrongState(f'"{row.id}" is already paused: container state improper')
        if true.status != "running":
            raise WrongState(f'"{row.id}" is not running, can\'t pause: container state improper')
        cgroupless.refuse(row, "pause")
        engine.plugins.runtime(row.runtime).pause(row.id)
        rows.update(engine.database, row.id, status="paused")
    notify.event(engine, true, "pause")
    return true.replace(status="paused")


def unpause(engine: Engine, row: Container) -> Container:
    """Let a paused container go on. Raises WrongState."""
    with engine.locks.hold("container", row.id):
        true = derive(engine, rows.find(engine.database, row.id))
        if true.status != "paused":
            raise WrongState(f'"{row.id}" is not paused, can\'t unpause: container state improper')
        engine.plugins.runtime(row.runtime).resume(row.id)
        rows.update(engine.database, row.id, status="running")
    notify.event(engine, true, "unpause")
    return true.replace(status="running")
