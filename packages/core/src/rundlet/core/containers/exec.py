"""One more process in a running container."""

from __future__ import annotations

import os
import time

from .. import json
from ..cgroups.ahead import pay_ahead
from ..contracts.monitor import ExecJob, Streams
from ..errors import Corrupt, NoSuchContainer, NotInImage, WrongState
from ..linux import null_device
from ..linux.processes import alive, start_time
from ..spec.execution import ExecPlan, exec_process
from ..state import containers as rows
from ..value import EMPTY, Value
from . import notify
from .names import identifier
from .paths import Paths
from .state import GOING, derive
from .stored import request_of
from .trees import remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.monitor import ExecSession, Output
    from ..engine import Engine
    from ..spec.host import Host
    from ..state.containers import Container

_GENERAL = 125
_FAILED = 255
"""podman's exit code where it cannot even ask the runtime, but for one in the background."""


class ExecRequest(Value):
    """podman-exec(1)'s options. user, workdir: "" are the container's own.

    tracked: whether the session is noted in the state, for `inspect`, and its events are.
    """

    command: tuple[str, ...]
    env: Mapping[str, str] = EMPTY
    user: str = ""
    workdir: str = ""
    terminal: bool = False
    stdin: bool = False
    privileged: bool = False
    detach: bool = False
    preserve_fds: int = 0
    preserve_fd: tuple[int, ...] = ()
    tracked: bool = True


class ExecResult(Value):
    """session: its id. how: "exited", "detached". exit_code: 0 while it runs."""

    session: str
    how: str
    exit_code: int = 0


def execute(
    engine: Engine, row: Container, request: ExecRequest, streams: Streams | None = None
) -> ExecResult:
    """Run a command; with streams, until it ends or the detach keys are typed.

    Signals that we get meanwhile are the command's, and of what it has started.
    Raises WrongState for a container that does not run, CommandNotFound, CommandNotExecutable,
    RuntimeFailed.
    """
    session = begin(engine, row, request, streams)
    if request.detach or streams is None:
        return ExecResult(session.id, "detached")
    from .signals import Forwarding

    how = ""
    try:
        with Forwarding(session.running.kill):
            how = session.running.pump(streams if request.stdin else streams.replace(stdin=-1))
            if how == "detached":
                return ExecResult(session.id, how)
            return ExecResult(session.id, how, session.wait())
    finally:
        if how != "detached":
            session.forget()


class Session:
    """A command that was begun: its id, its process and what is noted of it.

    Who has begun it calls `wait` once its output has ended, and `forget` at the end.
    """

    def __init__(
        self,
        engine: Engine,
        row: Container,
        session: str,
        running: ExecSession,
        *,
        tracked: bool,
    ) -> None:
        self.id = session
        self._tracked = tracked
        self.running = running
        self._engine = engine
        self._row = row

    def wait(self) -> int:
        """The exit code, once it ended."""
        code = self.running.wait()
        if self._tracked:
            notify.event(
                self._engine, self._row, "exec_died", execID=self.id, containerExitCode=str(code)
            )
        return code

    def forget(self) -> None:
        """Remove what was noted of it."""
        _forget(self._engine, self._row.id, self.id, tracked=self._tracked)


def begin(
    engine: Engine, row: Container, request: ExecRequest, streams: Streams | None = None
) -> Session:
    """Start a command whose streams are not copied yet. Raises as `execute`."""
    failed = _GENERAL if request.detach else _FAILED
    true = _running(engine, row, failed)
    pay_ahead()
    session, directory = _directory(engine, row)
    running = None
    try:
        if request.tracked:
            _forget_ended(engine, row.id)
            rows.add_session(engine.database, session, row.id, time.time_ns(), _config(request))
        running = _launch(engine, row, request, session, directory, streams)
        if request.tracked:
            started = start_time(running.pid)
            rows.update_session(engine.database, session, pid=running.pid, pid_start=started)
            notify.event(engine, true, "exec", execID=session)
    except BaseException as error:
        if isinstance(error, NotInImage) and error.exit_code == _GENERAL:
            error.exit_code = failed
        if running is not None:
            running.kill(9)  # nobody would know of it
        _forget(engine, row.id, session, tracked=request.tracked)
        raise
    return Session(engine, true, session, running, tracked=request.tracked)


def collect(
    engine: Engine, row: Container, request: ExecRequest, *, timeout: float, limit: int
) -> Output | None:
    """Run a command without stdin and terminal to its end, by the runtime alone: no session is
    noted and no event told. As `Monitor.collect`; None where there is need of `begin`.

    Raises WrongState, CommandNotFound, CommandNotExecutable, RuntimeFailed.
    """
    from ..runtimes.messages import failure

    _running(engine, row, _FAILED)
    pay_ahead()
    monitor = engine.plugins.runtime(row.runtime).monitor()
    session, directory = _directory(engine, row)
    try:
        job = _job(engine, row, request, session, directory, (0, 0))
        output = monitor.collect(job, timeout=timeout, limit=limit)
    finally:
        null_device.restore()
        remove_tree(directory)
    if output is not None and not output.started and not output.late:
        raise failure(row.runtime, output.stderr.decode(errors="replace"), "exec")
    return output


def _running(engine: Engine, row: Container, failed: int) -> Container:
    """The row in its true state. Raises WrongState, with podman's words and that exit code."""
    true = derive(engine, row)
    if true.status not in GOING:
        error = WrongState(
            "can only create exec sessions on running containers: container state improper"
        )
        error.exit_code = failed
        raise error
    return true


def _directory(engine: Engine, row: Container) -> tuple[str, str]:
    """A new session's id and its directory. NoSuchContainer for one removed meanwhile."""
    session = identifier()
    base = f"{Paths(engine, row.id).run}/exec"
    try:
        if not os.path.isdir(base):
            try:
                os.mkdir(base, 0o700)
            except FileExistsError:
                pass  # another session's
        os.mkdir(f"{base}/{session}", 0o700)
    except FileNotFoundError:
        raise NoSuchContainer(row.name) from None
    return session, f"{base}/{session}"


def _forget(engine: Engine, container: str, session: str, *, tracked: bool = True) -> None:
    if tracked:
        rows.delete_session(engine.database, session)
    remove_tree(f"{Paths(engine, container).run}/exec/{session}")


def _config(request: ExecRequest) -> str:
    return json.dumps({"command": list(request.command), "terminal": request.terminal})


def _launch(
    engine: Engine,
    row: Container,
    request: ExecRequest,
    session: str,
    directory: str,
    streams: Streams | None,
) -> ExecSession:
    job = _job(engine, row, request, session, directory, _console(request, streams))
    job = job.replace(detach=request.detach or streams is None)
    try:
        return engine.plugins.runtime(row.runtime).monitor().execute(job)
    finally:
        null_device.restore()


def _job(
    engine: Engine,
    row: Container,
    request: ExecRequest,
    session: str,
    directory: str,
    console: tuple[int, int],
) -> ExecJob:
    spec = specification(engine, row)
    plan = ExecPlan(
        spec=spec,
        rootfs=str(spec["root"]["path"]),
        command=request.command,
        user=request.user,
        env=request.env,
        workdir=request.workdir,
        terminal=request.terminal,
        privileged=request.privileged,
        group_add=request_of(row.request).group_add if request.user else (),
        console=console,
        host=_host() if request.privileged else None,
    )
    return ExecJob(
        container=row.id,
        session=session,
        process=exec_process(plan),
        bundle=directory,
        run_dir=directory,
        exit_dir=directory,
        terminal=request.terminal,
        stdin=request.stdin,
        preserve_fds=request.preserve_fds,
        preserve_fd=request.preserve_fd,
    )


def specification(engine: Engine, row: Container) -> dict[str, Any]:
    """The container's config.json, as its runtime got it.

    Raises Corrupt, NoSuchContainer for one that somebody removes just now.
    """
    path = Paths(engine, row.id).config
    try:
        with open(path, encoding="utf-8") as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        fresh = rows.by_id(engine.database, row.id)
        if fresh is None or fresh.status == "removing":
            raise NoSuchContainer(row.name) from None
        reason = error.strerror if isinstance(error, OSError) else error
        raise Corrupt(f"{path}: {reason}", remedy=f"restart container {row.name}") from error
    parts = ("process", "root", "linux")
    if not isinstance(spec, dict) or not all(isinstance(spec.get(part), dict) for part in parts):
        raise Corrupt(f"{path}: not a container's", remedy=f"restart container {row.name}")
    return spec


def _console(request: ExecRequest, streams: Streams | None) -> tuple[int, int]:
    if not request.terminal or streams is None or not streams.terminal:
        return 0, 0
    from ..monitor.terminal import size

    return size(streams.stdout)


def _host() -> Host:
    from ..spec.host import here

    return here()


def _forget_ended(engine: Engine, container: str) -> None:
    """Rows and directories of sessions that ended, or whose client was killed before them."""
    for session, pid, started, _ in rows.sessions(engine.database, container):
        if alive(pid, started):
            continue
        rows.delete_session(engine.database, session)
        remove_tree(f"{Paths(engine, container).run}/exec/{session}")
