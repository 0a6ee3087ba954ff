"""One more process in a running container, under a monitor of its own.

The monitor (conmon --exec --exec-attach, or ours) makes the attach socket, says so on
`_OCI_ATTACHPIPE`, and the command waits until the client is connected and the start pipe is
written to: no output is lost. On the sync pipe come the process id, and at the end the exit code.
"""

from __future__ import annotations

from .. import json
from ..contracts.monitor import ExecSession
from ..errors import RuntimeFailed
from ..linux.processes import alive, start_time
from . import launch
from .attach import SocketAttached
from .program import RUNTIME_LOG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.monitor import ExecJob, Streams
    from .program import ProgramMonitor


class ProgramExec(ExecSession):
    """A running exec session."""

    def __init__(
        self,
        job: ExecJob,
        launched: launch.Launched,
        pid: int,
        attached: SocketAttached | None,
        monitor: ProgramMonitor,
    ) -> None:
        self.pid = pid
        self._pid_start = start_time(pid)
        self._job = job
        self._launched = launched
        self._attached = attached
        self._monitor = monitor

    def pump(self, streams: Streams) -> str:
        if self._attached is None:
            raise RuntimeFailed("a detached exec session has no streams")
        return self._attached.pump(streams)

    def resize(self, rows: int, columns: int) -> None:
        if self._attached is not None:
            self._attached.resize(rows, columns)

    def wait(self) -> int:
        """The exit code; raises RuntimeFailed when the monitor was killed before it knew."""
        answer = self._launched.read()
        self.close()
        if answer is None:
            raise RuntimeFailed("the monitor of the exec session ended without an exit code")
        return answer.data

    def kill(self, signal: int) -> bool:
        if not alive(self.pid, self._pid_start):
            return False  # its output may be held open by what it has left
        return self._monitor.kill_session(self._job, self.pid, signal)

    def close(self) -> None:
        """Give up the streams and pipes; the process goes on."""
        if self._attached is not None:
            self._attached.close()
        self._launched.close()


def execute(monitor: ProgramMonitor, job: ExecJob) -> ProgramExec:
    """Start the process. Raises RuntimeFailed, CommandNotFound, CommandNotExecutable."""
    specification = f"{job.bundle}/process.json"
    with open(specification, "w", encoding="utf-8") as file:
        json.dump(dict(job.process), file)
    attach = not job.detach
    launched = launch.launch(
        monitor.execute_command(job, specification),
        directory=job.run_dir,
        variables=launch.environment(job.run_dir, monitor.variables),
        passed=launch.passed(job.preserve_fds, job.preserve_fd),
        attach=attach,
        session=not monitor.makes_session,
    )
    attached = None
    try:
        if attach:
            launched.wait_for_socket()
            attached = SocketAttached(job.bundle, job.container, job.terminal)
            launched.go()
        answer = launched.read()
        if answer is None or answer.data <= 0:
            raise monitor.failure(_explained(answer, job), "exec")
    except BaseException:
        if attached is not None:
            attached.close()
        launched.close()
        raise
    return ProgramExec(job, launched, answer.data, attached, monitor)


def _explained(answer: launch.Sync | None, job: ExecJob) -> launch.Sync | None:
    """A failed answer; where it has no words, with those that the runtime left in its log."""
    if answer is not None and answer.message:
        return answer
    try:
        with open(f"{job.run_dir}/{RUNTIME_LOG}", encoding="utf-8", errors="replace") as file:
            return launch.Sync(-1, file.read())
    except FileNotFoundError:
        return answer
