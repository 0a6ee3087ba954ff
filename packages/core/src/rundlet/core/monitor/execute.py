"""One more process in a running container, by `conmon --exec --exec-attach`.

conmon makes the attach socket, says so on `_OCI_ATTACHPIPE`, and the command waits until the
client is connected and the start pipe is written to: no output is lost. On the sync pipe come
the process id, and at the end the exit code.
"""

from __future__ import annotations

import json

from ..contracts.monitor import ExecSession
from ..errors import RuntimeFailed
from . import launch
from .attach import ConmonAttached
from .conmon import CONMON_PID_FILE, exit_flags, runtime_options, stream_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.monitor import ExecJob, Streams
    from .conmon import ConmonMonitor


class ConmonExec(ExecSession):
    """A running exec session."""

    def __init__(
        self,
        launched: launch.Launched,
        pid: int,
        attached: ConmonAttached | None,
        monitor: ConmonMonitor,
    ) -> None:
        self.pid = pid
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

    def close(self) -> None:
        """Give up the streams and pipes; the process goes on."""
        if self._attached is not None:
            self._attached.close()
        self._launched.close()


def execute(monitor: ConmonMonitor, job: ExecJob) -> ConmonExec:
    """Start the process. Raises RuntimeFailed, CommandNotFound, CommandNotExecutable."""
    specification = f"{job.bundle}/process.json"
    with open(specification, "w", encoding="utf-8") as file:
        json.dump(dict(job.process), file)
    attach = not job.detach
    launched = launch.launch(
        [
            *monitor.command(),
            *monitor.common(job.container, job.session, job.bundle),
            *_flags(job, specification),
        ],
        directory=job.run_dir,
        variables=launch.environment(job.run_dir, monitor.variables),
        preserve_fds=job.preserve_fds,
        attach=attach,
    )
    attached = None
    try:
        if attach:
            launched.wait_for_socket()
            attached = ConmonAttached(job.bundle, job.container, job.terminal)
            launched.go()
        answer = launched.read()
        if answer is None or answer.data <= 0:
            raise monitor.failure(answer, "exec")
    except BaseException:
        if attached is not None:
            attached.close()
        launched.close()
        raise
    return ConmonExec(launched, answer.data, attached, monitor)


def _flags(job: ExecJob, specification: str) -> list[str]:
    flags = [
        "--exec",
        *("--exec-process-spec", specification),
        *("--container-pidfile", f"{job.run_dir}/pidfile"),
        *("--conmon-pidfile", f"{job.run_dir}/{CONMON_PID_FILE}"),
        *("--persist-dir", job.run_dir),
        *("--exit-dir", job.exit_dir),
        *("--log-path", "none:"),
    ]
    if not job.detach:
        flags.append("--exec-attach")
    flags += runtime_options(job.preserve_fds)
    return flags + stream_flags(job.terminal, job.stdin) + exit_flags(job.exit_command)
