"""The process that runs a container's checks: there is no daemon, and none of systemd's timers.

It (companion.py) is begun by the start of the container, sleeps until a check is due, and ends
when the container's process does. Each check runs in a fork, so that what sleeps stays small.
"""

from __future__ import annotations

import os
import select
import sys
import time

from .. import companion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...engine import Engine
    from ...state.containers import Container
    from ..request import ContainerRequest

_AGAIN = 30.0  # seconds, after a check that ended without a word


def begin(engine: Engine, row: Container, request: ContainerRequest) -> None:
    """Start the timer of a container that was just started, if it has something to check."""
    if not request.healthcheck and '"Healthcheck"' not in row.extra:
        return
    from ...state import containers as rows
    from .check import planned
    from .record import Record, path, write

    found = planned(row)
    if found is None:
        return
    write(path(engine, row.id, request), Record())
    rows.update(engine.database, row.id, health="starting")
    if not (found.startup or found.check).interval:
        return
    token = str(time.time_ns())
    with open(_token(engine.settings.run_root, row.id), "w", encoding="utf-8") as file:
        file.write(token)
    companion.begin(__name__, engine, row, token)


def _token(runroot: str, container: str) -> str:
    """The file that says which timer is in force: an update begins another one."""
    return f"{runroot}/containers/{container}/health.timer"


def _in_force(runroot: str, container: str, token: str) -> bool:
    try:
        with open(_token(runroot, container), encoding="utf-8") as file:
            return file.read() == token
    except OSError:
        return False


def main() -> int:
    """Check the container in argv until its process ends; the exit code."""
    root, runroot, container, pid, started, token = sys.argv[1:7]
    process = companion.process(pid, started)
    if process < 0:
        return 0
    poll = select.poll()
    poll.register(process, select.POLLIN)
    delay: float | None = 0.0
    while delay is not None and not poll.poll(delay * 1000):
        if not _in_force(runroot, container, token):
            return 0
        delay = _in_a_fork(root, runroot, container)
    return 0


def _in_a_fork(root: str, runroot: str, container: str) -> float | None:
    """Check in a child; seconds until the next check, None for never again."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.write(writer, _check(root, runroot, container).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb", buffering=0) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    if not said:
        return _AGAIN
    return float(said) if said != b"never" else None


def _check(root: str, runroot: str, container: str) -> str:
    """What to tell the parent: seconds, or "never"."""
    from ...errors import InvalidArgument, NoSuchContainer, RundletError, WrongState
    from .. import helpers
    from .check import check, planned
    from .record import path, read

    try:
        with helpers.engine(root, runroot) as engine:
            row = engine.containers.get(container)
            found = planned(row)
            if found is None:
                return "never"
            try:
                check(engine, row)
            except WrongState:
                pass  # paused, or just ended: the parent sees that
            request = engine.containers.request(container)
            waiting = (
                found.startup is not None and not read(path(engine, container, request)).started
            )
            due = found.startup if waiting and found.startup else found.check
            return str(due.interval) if due.interval else "never"
    except (NoSuchContainer, InvalidArgument):
        return "never"
    except RundletError as error:
        from ..exit_command import leave_word

        leave_word(f"{runroot}/containers/{container}/health.err", error)
        return str(_AGAIN)
