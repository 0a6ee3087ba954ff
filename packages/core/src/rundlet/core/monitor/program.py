"""A monitor that is a program, started anew for each container and each exec session.

What the two shipped ones have in common, conmon(8) and our own for shims (keeper/): how they
are started and answer (launch.py), the attach socket (attach.py), and the fifo `ctl` of a
bundle, which takes lines "TYPE ROWS COLUMNS".
"""

from __future__ import annotations

import os
from abc import abstractmethod

from ..contracts.monitor import Monitor, Monitored
from ..errors import TimedOut, WrongState
from ..value import EMPTY
from . import launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from ..contracts.monitor import Attached, ExecJob, ExecSession, MonitorJob

PID_FILE = "conmon.pid"
"""In the run directory: the monitor's own process id, whichever monitor it is."""
RUNTIME_LOG = "runtime.log"
"""In the run directory of an exec session: what the runtime says, where it is asked to leave it."""
RESIZE = 1  # types of messages on the `ctl` fifo (conmon config.h)
REOPEN_LOG = 2
PATIENCE = 240.0
"""Seconds that a runtime has to make a container, as with podman; a machine may take some."""
_LARGEST = 1000  # conmon refuses terminals beyond this


class ProgramMonitor(Monitor):
    """Base of the two. name: the runtime's name, for messages.

    variables: of the monitor's environment, and so of the runtime's. makes_session: whether the
    program calls setsid(2) itself.
    """

    name: str
    makes_session: ClassVar[bool] = False
    variables: Mapping[str, str] = EMPTY

    @abstractmethod
    def create_command(self, job: MonitorJob) -> Sequence[str]:
        """argv that creates a container and watches it. Raises NotSupported for a job beyond it."""

    @abstractmethod
    def execute_command(self, job: ExecJob, process: str) -> Sequence[str]:
        """argv of an exec session. process: the file with its OCI process object."""

    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        from ..linux.processes import start_time

        run_dir = job.run_dir
        _forget(f"{run_dir}/{PID_FILE}", job.pid_file, job.exit_file)
        launched = launch.launch(
            self.create_command(job),
            directory=run_dir,
            variables=launch.environment(run_dir, {**self.variables, **(environment or {})}),
            passed=launch.passed(job.preserve_fds, job.preserve_fd),
            passthrough=job.log_driver.startswith("passthrough"),
            session=not self.makes_session,
        )
        try:
            answer = launched.read(PATIENCE)
        except TimeoutError:
            _end_group(read_pid(f"{run_dir}/{PID_FILE}"))
            raise TimedOut(
                f"OCI runtime {self.name} has not made the container within {PATIENCE:g} s"
            ) from None
        finally:
            launched.close()
        if answer is None or answer.data <= 0:
            raise self.failure(answer, "create")
        monitor = read_pid(f"{run_dir}/{PID_FILE}")
        if monitor and not start_time(monitor):
            monitor = 0
        return Monitored(answer.data, monitor)

    def failure(self, answer: launch.Sync | None, doing: str) -> Exception:
        """The error that a failed answer of the monitor means."""
        from ..runtimes.messages import failure

        return failure(self.name, answer.message if answer else "", doing)

    def attach(self, job_dir: str, container: str, *, terminal: bool) -> Attached:
        from .attach import SocketAttached

        return SocketAttached(job_dir, container, terminal)

    def execute(self, job: ExecJob) -> ExecSession:
        from .execute import execute

        return execute(self, job)

    def kill_session(self, job: ExecJob, pid: int, signal: int) -> bool:
        """As `ExecSession.kill`. pid: of its first process.

        To its process group, which the runtime has made for it: some lead that themselves, and
        are gone by then.
        """
        try:
            group, monitor = os.getpgid(pid), read_pid(f"{job.run_dir}/{PID_FILE}")
            own = group == pid or (monitor and group not in (os.getpgid(monitor), os.getpgrp()))
            os.kill(-group if own else pid, signal)
        except ProcessLookupError:
            return False
        return True

    def reopen_log(self, job_dir: str, container: str) -> None:
        control(job_dir, container, f"{REOPEN_LOG} 0 0\n")

    def resize(self, job_dir: str, container: str, rows: int, columns: int) -> None:
        resize(job_dir, container, rows, columns)


def resize(bundle: str, container: str, rows: int, columns: int) -> None:
    """Tell a monitor the size of the client's terminal."""
    rows, columns = (max(0, min(number, _LARGEST)) for number in (rows, columns))
    control(bundle, container, f"{RESIZE} {rows} {columns}\n")


def control(bundle: str, container: str, message: str) -> None:
    """Write to a monitor's `ctl` fifo. Raises WrongState when none reads it."""
    try:
        fifo = os.open(f"{bundle}/ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise WrongState(
            f"container {container} is not running: its monitor is gone ({error.strerror})"
        ) from None
    try:
        os.write(fifo, message.encode())
    finally:
        os.close(fifo)


def read_pid(path: str) -> int:
    """The process id in a pid file; 0 when there is none."""
    try:
        with open(path, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _end_group(pid: int) -> None:
    """End a monitor and the runtime that it waits for: both are of a process group of their own."""
    try:
        group = os.getpgid(pid) if pid else 0
        if group and group != os.getpgrp():
            os.killpg(group, 9)
    except ProcessLookupError:
        return


def _forget(*paths: str) -> None:
    """Remove what an earlier run of the container left, lest it is taken for this one's."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
