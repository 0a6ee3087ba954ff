"""A container is started: its birth, step by step, each undone by its twin if a later one fails."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from ..contracts.monitor import MonitorJob
from ..errors import NoSuchContainer, WrongState
from ..linux.processes import start_time
from ..state import containers as rows
from . import bundle, cleanup, files, id_files, network, notify, rootfs, strays
from .attending import Attending
from .exit_command import exit_command
from .paths import Paths
from .state import boot_id, derive
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.monitor import Attached, Monitored
    from ..contracts.runtime import OCIRuntime
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


class Started:
    """A container that was started by us.

    attached: the connection to its streams, when asked for. attending: the lock that keeps
    the exit command waiting; the caller closes both.
    """

    def __init__(self, row: Container, attached: Attached | None, attending: Attending) -> None:
        self.row = row
        self.attached = attached
        self.attending = attending

    def close(self) -> None:
        if self.attached is not None:
            self.attached.close()
        self.attending.__exit__()


def start(
    engine: Engine, row: Container, *, attach: bool = False, console: tuple[int, int] = (0, 0)
) -> Started:
    """Start a created or exited container.

    console: rows and columns of the caller's terminal, for the first size of the pty.
    Raises WrongState when it runs, CommandNotFound, CommandNotExecutable, RuntimeFailed,
    NetworkError, and what the storage raises; the container is as before then.
    """
    with engine.locks.hold("container", row.id):
        fresh = rows.by_id(engine.database, row.id)
        if fresh is None:
            raise NoSuchContainer(row.name)
        return _start(engine, _startable(engine, fresh), attach, console)


def _startable(engine: Engine, row: Container) -> Container:
    """The row, with what an earlier run or a killed starter left cleared away."""
    true = derive(engine, row)
    if true.status in ("initialized", "running", "paused", "stopping"):
        raise WrongState(f"container {row.id} is already {true.status}")
    if true.status not in ("created", "exited"):
        raise WrongState(f"container {row.id} is {true.status} and cannot be started")
    if cleanup.needed(engine, row):
        strays.end_monitors(engine, row)
        cleanup.release(engine, true)
        return rows.by_id(engine.database, row.id) or true
    return row


def _start(engine: Engine, row: Container, attach: bool, console: tuple[int, int]) -> Started:
    paths = Paths(engine, row.id)
    request = request_of(row.request)
    runtime = engine.plugins.runtime(row.runtime)
    with ExitStack() as undo:
        _begin(paths)
        undo.callback(_end, paths)
        attending = undo.enter_context(Attending(paths, starting=True))
        root = rootfs.mount(engine, row, request)
        undo.callback(rootfs.unmount, engine, row)
        joined = network.attach(engine, row, request)
        undo.callback(network.detach, engine, row.id)
        made = files.write(engine, row, request, joined)
        warnings = bundle.write(engine, row, request, runtime, root, joined, made, console)
        monitored = _create(engine, row, request, runtime, paths)
        undo.callback(_undo_create, engine, row, runtime)
        id_files.write_pids(request, monitored)
        row = _note_created(engine, row, monitored)
        undo.callback(_note_not_created, engine, row)
        attached = None
        if attach:
            attached = runtime.monitor().attach(paths.bundle, row.id, terminal=request.terminal)
            undo.callback(attached.close)
        runtime.start(row.id)
        row = _note_started(engine, row)
        undo.pop_all()
    bundle.warn(warnings)
    notify.event(engine, row, "start")
    if notify.listeners(engine):
        engine.plugins.call("rundlet_container_started", container=notify.view(engine, row))
    return Started(row, attached, attending)


def _begin(paths: Paths) -> None:
    """The run directory, and the mark that there is something to clean up."""
    os.makedirs(paths.run, mode=0o700, exist_ok=True)
    os.makedirs(paths.exits, mode=0o700, exist_ok=True)
    os.close(os.open(paths.live, os.O_CREAT | os.O_CLOEXEC, 0o600))


def _end(paths: Paths) -> None:
    try:
        os.unlink(paths.live)
    except FileNotFoundError:
        pass


def _create(
    engine: Engine,
    row: Container,
    request: ContainerRequest,
    runtime: OCIRuntime,
    paths: Paths,
) -> Monitored:
    settings = engine.settings
    options = request.log_options
    job = MonitorJob(
        id=row.id,
        name=row.name,
        bundle=paths.bundle,
        run_dir=paths.run,
        exit_dir=paths.exits,
        pid_file=paths.pid_file,
        log_path=options.get("path") or paths.log,
        log_driver=request.log_driver or settings.log_driver,
        log_size_max=_size(options.get("max-size")) or settings.log_size_max,
        log_tag=options.get("tag", ""),
        terminal=request.terminal,
        stdin=request.stdin,
        exit_command=exit_command(engine, row.id, paths.run) if request.exit_command else (),
        timeout=request.timeout,
        preserve_fds=request.preserve_fds,
        sync_log=not request.auto_remove,  # nobody reads the log of one that is removed
    )
    return runtime.monitor().create(job)


def _size(text: str | None) -> int:
    """Bytes of a size with unit ("10m"); 0 for none."""
    if not text:
        return 0
    from ..format.units import parse_size

    return parse_size(text)


def _undo_create(engine: Engine, row: Container, runtime: OCIRuntime) -> None:
    runtime.delete(row.id, force=True)


def _note_created(engine: Engine, row: Container, monitored: Monitored) -> Container:
    changes = {
        "status": "initialized",
        "pid": monitored.pid,
        "pid_start": start_time(monitored.pid),
        "monitor_pid": monitored.monitor_pid,
        "monitor_start": start_time(monitored.monitor_pid),
        "boot": boot_id(),
        "exit_code": 0,
        "oom_killed": 0,
        "finished": 0,
    }
    rows.update(engine.database, row.id, **changes)
    return row.replace(**changes)


def _note_not_created(engine: Engine, row: Container) -> None:
    rows.update(engine.database, row.id, status="created", pid=0, monitor_pid=0)


def _note_started(engine: Engine, row: Container) -> Container:
    now = time.time_ns()
    rows.update(engine.database, row.id, status="running", started=now)
    return row.replace(status="running", started=now)
