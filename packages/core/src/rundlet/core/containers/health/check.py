"""One check: the command in the container, what its outcome means, and what is done about it."""

from __future__ import annotations

import json
import os
import threading
import time

from ...contracts.monitor import Streams
from ...errors import InvalidArgument, RuntimeFailed, WrongState
from ...linux.processes import start_time
from ...state import containers as rows
from .. import notify, sdnotify
from ..exec import ExecRequest, begin
from ..state import derive, has_process
from ..stored import request_of
from .plan import Check, Plan, plan
from .record import Attempt, Record, added, path, read, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...engine import Engine
    from ...state.containers import Container
    from ..exec import Session
    from ..request import ContainerRequest

_TIMED_OUT = -1
_OUTPUT_MAX = 1 << 16  # bytes of a command's output that are kept in memory


def planned(row: Container) -> Plan | None:
    """What is checked of a container; None for nothing."""
    return plan(request_of(row.request), json.loads(row.extra).get("image", {}))


def check(engine: Engine, row: Container) -> str:
    """Run the check that is due and carry out its consequences; "healthy" when it passed.

    Else "unhealthy", or "starting" before the startup check has passed. Raises
    InvalidArgument when nothing is checked, WrongState when the container does not run.
    """
    found = planned(row)
    if found is None:
        raise InvalidArgument(f"container {row.id} has no defined healthcheck")
    true = derive(engine, row)
    if true.status != "running":
        raise WrongState(f"container {row.id} is not running")
    request = request_of(row.request)
    file = path(engine, row.id, request)
    starting = found.startup is not None and not read(file).started
    due = found.startup if starting and found.startup is not None else found.check
    attempt = _attempt(engine, true, due)
    with engine.locks.hold("health", row.id):
        before = read(file)
        record = added(before, attempt, request)
        if starting:
            record = _after_startup(record, due, passed=attempt.code == 0)
        else:
            record = _after_regular(record, due, attempt, true)
        _keep(engine, true, request, file, record)
    if before.status != "healthy" and record.status == "healthy":
        sdnotify.healthy(request)
    _act(engine, true, found, record, before)
    if attempt.code == 0:
        return "healthy" if not starting else "starting"
    return "starting" if starting else "unhealthy"


def _attempt(engine: Engine, row: Container, due: Check) -> Attempt:
    """Run the command; one that cannot be run has failed."""
    started = time.time_ns()
    reader, writer = os.pipe2(os.O_CLOEXEC)
    output = bytearray()
    collector = threading.Thread(target=_collect, args=(reader, output), daemon=True)
    collector.start()
    streams = Streams(stdin=-1, stdout=writer, stderr=writer, detach_keys=b"")
    try:
        code = _execute(engine, row, due, streams)
        said = ""
    except RuntimeFailed as error:
        code, said = error.exit_code, error.message
    finally:
        os.close(writer)
    collector.join(1)
    if code == _TIMED_OUT:
        said = f"healthcheck command exceeded timeout of {due.timeout:g}s"
    return Attempt(started, time.time_ns(), code, said or output.decode(errors="replace"))


def _execute(engine: Engine, row: Container, due: Check, streams: Streams) -> int:
    session = begin(engine, row, ExecRequest(due.command), streams)
    late = threading.Event()
    timer = threading.Timer(due.timeout, _end, (session, late))
    timer.daemon = True
    timer.start()
    try:
        session.running.pump(streams)
        code = session.wait()
    finally:
        timer.cancel()
        session.forget()
    return _TIMED_OUT if late.is_set() else code


def _end(session: Session, late: threading.Event) -> None:
    """Kill the command, unless it has just ended."""
    pid = session.running.pid
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if start_time(pid):
            import signal

            late.set()
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def _collect(reader: int, output: bytearray) -> None:
    """Read until the end; what is more than a log would keep is dropped."""
    with open(reader, "rb", buffering=0) as stream:
        while block := stream.read(65536):
            output.extend(block[: _OUTPUT_MAX - len(output)])


def _after_startup(record: Record, due: Check, *, passed: bool) -> Record:
    if not passed:
        return record.replace(failures=record.failures + 1, passes=0)
    passes = record.passes + 1
    return record.replace(passes=passes, started=passes >= due.successes)


def _after_regular(record: Record, due: Check, attempt: Attempt, row: Container) -> Record:
    """A failure in the start period does not count, until a check has passed."""
    if attempt.code == 0:
        return record.replace(status="healthy", streak=0)
    within = attempt.start < row.started + int(due.start_period * 1e9)
    if record.status == "starting" and within:
        return record
    streak = record.streak + 1
    status = "unhealthy" if streak >= due.retries else record.status
    return record.replace(status=status, streak=streak)


def _keep(
    engine: Engine, row: Container, request: ContainerRequest, file: str, record: Record
) -> None:
    """In the file, in the row (`ps`), and as an event (`healthcheck_events`)."""
    write(file, record)
    rows.update(engine.database, row.id, health=record.status)
    if not engine.settings.healthcheck_events:
        return
    attributes = {
        "health_status": record.status,
        "health_failing_streak": str(record.streak),
    }
    if request.health_log_destination == "events_logger":
        attributes["health_log"] = record.attempts[-1].output
    notify.event(engine, row, "health_status", **attributes)


def _act(engine: Engine, row: Container, found: Plan, record: Record, before: Record) -> None:
    """--health-on-failure, once, when the container turns unhealthy; restarts of its startup."""
    if not has_process(row):
        return  # it was stopped meanwhile: that is why the check failed
    startup = found.startup
    if startup is not None and not record.started and startup.retries:
        if record.failures >= startup.retries:
            _restart(engine, row)  # as `restart` does: the count begins anew
        return
    if record.status != "unhealthy" or before.status == "unhealthy":
        return
    if found.on_failure == "kill":
        engine.containers.kill(row.id)
    elif found.on_failure == "stop":
        engine.containers.stop(row.id)
    elif found.on_failure == "restart":
        _restart(engine, row, restarts=row.restarts + 1)


def _restart(engine: Engine, row: Container, restarts: int = 0) -> None:
    engine.containers.stop(row.id)
    engine.containers.start(row.id, restarts=restarts)
