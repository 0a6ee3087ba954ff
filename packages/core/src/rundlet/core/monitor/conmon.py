"""The monitor conmon (containers/conmon, conmon(8)): one small process per container.

A bundle holds, beside config.json, what conmon makes: the socket `attach` (--full-attach)
and the fifos `ctl` and `winsz`. The run directory gets `pidfile`, `conmon.pid`, `exit`, `oom`.
"""

from __future__ import annotations

import os

from ..contracts.monitor import Monitor, Monitored
from ..errors import RuntimeFailed, WrongState
from ..value import EMPTY
from . import launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contracts.monitor import Attached, ExecJob, ExecSession, MonitorJob

CONMON_PID_FILE = "conmon.pid"
_RESIZE = 1  # types of messages on the `ctl` fifo (conmon config.h)
_REOPEN_LOG = 2
_LARGEST = 1000  # conmon refuses terminals beyond this


class ConmonMonitor(Monitor):
    """conmon over one OCI runtime.

    runtime: absolute path of the binary that conmon runs; arguments: its global arguments.
    conmon: the path of conmon, or "" to look for it. name: the runtime's name, for messages.
    variables: of conmon's environment, and so of the runtime's. create_options: of the
    runtime's `create`. sync_log: False leaves logs to the page cache, whatever a job says.
    """

    def __init__(
        self,
        runtime: str,
        arguments: Sequence[str] = (),
        conmon: str = "",
        name: str = "",
        *,
        variables: Mapping[str, str] = EMPTY,
        create_options: Sequence[str] = (),
        sync_log: bool = True,
    ) -> None:
        self.runtime = runtime
        self.arguments = tuple(arguments)
        self.name = name or os.path.basename(runtime)
        self._conmon = conmon
        self.variables = variables
        self._create_options = tuple(create_options)
        self._sync_log = sync_log

    def command(self) -> Sequence[str]:
        return (launch.find(self._conmon),)

    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        from ..linux.processes import start_time

        run_dir = job.run_dir
        _forget(f"{run_dir}/{CONMON_PID_FILE}", job.pid_file, job.exit_file)
        job = job if self._sync_log else job.replace(sync_log=False)
        options = [word for option in self._create_options for word in ("--runtime-opt", option)]
        launched = launch.launch(
            [
                *self.command(),
                *self.common(job.id, job.id, job.bundle),
                *_create_flags(job),
                *options,
            ],
            directory=run_dir,
            variables=launch.environment(run_dir, {**self.variables, **(environment or {})}),
            preserve_fds=job.preserve_fds,
            passthrough=job.log_driver.startswith("passthrough"),
            cgroup=job.cgroup,
        )
        try:
            answer = launched.read()
        finally:
            launched.close()
        if answer is None or answer.data <= 0:
            raise self.failure(answer, "create")
        monitor = read_pid(f"{run_dir}/{CONMON_PID_FILE}")
        if monitor and not start_time(monitor):
            monitor = 0
        return Monitored(answer.data, monitor)

    def failure(self, answer: launch.Sync | None, doing: str) -> Exception:
        """The error that a failed answer of conmon means."""
        from ..runtimes.messages import failure

        return failure(self.name, answer.message if answer else "", doing)

    def common(self, container: str, unique: str, bundle: str) -> list[str]:
        """The flags of `create` and `exec` alike."""
        runtime = [word for argument in self.arguments for word in ("--runtime-arg", argument)]
        return [
            *("--api-version", "1"),
            *("--cid", container),
            *("--cuuid", unique),
            *("--bundle", bundle),
            *("--runtime", self.runtime),
            *runtime,
            "--full-attach",
            *("--log-level", "error"),
        ]

    def attach(self, job_dir: str, container: str, *, terminal: bool) -> Attached:
        from .attach import ConmonAttached

        return ConmonAttached(job_dir, container, terminal)

    def execute(self, job: ExecJob) -> ExecSession:
        from .execute import execute

        return execute(self, job)

    def reopen_log(self, job_dir: str, container: str) -> None:
        control(job_dir, container, f"{_REOPEN_LOG} 0 0\n")

    def resize(self, job_dir: str, container: str, rows: int, columns: int) -> None:
        resize(job_dir, container, rows, columns)


def resize(bundle: str, container: str, rows: int, columns: int) -> None:
    """Tell conmon the size of the client's terminal."""
    rows, columns = (max(0, min(number, _LARGEST)) for number in (rows, columns))
    control(bundle, container, f"{_RESIZE} {rows} {columns}\n")


def control(bundle: str, container: str, message: str) -> None:
    """Write to conmon's `ctl` fifo. Raises WrongState when no conmon reads it."""
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


def _create_flags(job: MonitorJob) -> list[str]:
    flags = [
        *("--name", job.name),
        *("--container-pidfile", job.pid_file),
        *("--conmon-pidfile", f"{job.run_dir}/{CONMON_PID_FILE}"),
        *("--persist-dir", job.run_dir),
        *("--exit-dir", job.exit_dir),
        *("--log-path", _log(job)),
    ]
    if job.log_size_max > 0:
        flags += ["--log-size-max", str(job.log_size_max)]
    if job.log_tag:
        flags += ["--log-tag", job.log_tag]
    for key, value in job.log_labels.items():
        flags += ["--log-label", f"{key}={value}"]
    if not job.sync_log:
        flags.append("--no-sync-log")
    flags += stream_flags(job.terminal, job.stdin)
    flags += runtime_options(job.preserve_fds)
    if job.timeout > 0:
        flags += ["--timeout", str(job.timeout)]
    if job.sdnotify_socket:
        flags += ["--sdnotify-socket", job.sdnotify_socket]
    return flags + exit_flags(job.exit_command, job.exit_delay)


def stream_flags(terminal: bool, stdin: bool) -> list[str]:
    """The flags for what the process gets as its streams.

    With --stdin, conmon closes the process's stdin when a client leaves: right for a pipe;
    a terminal must outlive those that detach from it, and needs no pipe.
    """
    if terminal:
        return ["--terminal"]
    return ["--stdin"] if stdin else []


def runtime_options(preserve_fds: int) -> list[str]:
    """What conmon passes to the runtime's `create` or `exec`."""
    if preserve_fds <= 0:
        return []
    return ["--runtime-opt", "--preserve-fds", "--runtime-opt", str(preserve_fds)]


def exit_flags(command: Sequence[str], delay: int = 0) -> list[str]:
    """The flags for what conmon runs after the exit."""
    if not command:
        return []
    flags = ["--exit-command", command[0]]
    for word in command[1:]:
        flags += ["--exit-command-arg", word]
    return [*flags, "--exit-delay", str(delay)] if delay > 0 else flags


def _log(job: MonitorJob) -> str:
    """conmon's --log-path is DRIVER:PATH; drivers without a file take none."""
    if job.log_driver in ("none", "null"):
        return "none:"
    if job.log_driver in ("journald", "passthrough"):
        return f"{job.log_driver}:"
    if job.log_driver in ("k8s-file", "json-file", ""):
        return f"k8s-file:{job.log_path}"
    raise RuntimeFailed(f"conmon has no log driver {job.log_driver!r}")


def _forget(*paths: str) -> None:
    """Remove what an earlier run of the container left, lest it is taken for this one's."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
