"""The monitor conmon (containers/conmon, conmon(8)): one small process per container.

A bundle holds, beside config.json, what conmon makes: the socket `attach` (--full-attach)
and the fifos `ctl` and `winsz`. The run directory gets `pidfile`, `conmon.pid`, `exit`, `oom`.
"""

from __future__ import annotations

import os

from ..errors import RuntimeFailed
from ..value import EMPTY
from . import launch
from .program import PID_FILE, RUNTIME_LOG, ProgramMonitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contracts.monitor import ExecJob, MonitorJob, Output


_SYSTEMD_CGROUP = "--systemd-cgroup"  # of the runc family: systemd makes the container's cgroup


class ConmonMonitor(ProgramMonitor):
    """conmon over one OCI runtime.

    runtime: absolute path of the binary that conmon runs; arguments: its global arguments.
    conmon: the path of conmon, or "" to look for it. name: the runtime's name, for messages.
    variables: of conmon's environment, and so of the runtime's. create_options: of the
    runtime's `create`. sync_log: False leaves logs to the page cache, whatever a job says.
    no_cgroup: global arguments of the runtime for a container without cgroups of its own.
    """

    makes_session = True

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
        no_cgroup: Sequence[str] = (),
    ) -> None:
        self.runtime = runtime
        self.arguments = tuple(arguments)
        self.name = name or os.path.basename(runtime)
        self._conmon = conmon
        self.variables = variables
        self._create_options = tuple(create_options)
        self._sync_log = sync_log
        self._no_cgroup = tuple(no_cgroup)

    def command(self) -> Sequence[str]:
        return (launch.find(self._conmon),)

    def create_command(self, job: MonitorJob) -> Sequence[str]:
        job = job if self._sync_log else job.replace(sync_log=False)
        chosen = job.restore_options if job.restore else self._create_options
        options = [word for option in chosen for word in ("--runtime-opt", option)]
        arguments = self.arguments
        if job.cgroupfs:
            arguments = tuple(word for word in arguments if word != _SYSTEMD_CGROUP)
        if job.no_cgroup:
            arguments += self._no_cgroup
        common = self._common(job.id, job.id, job.bundle, arguments)
        return [*self.command(), *common, *_create_flags(job), *options]

    def execute_command(self, job: ExecJob, process: str) -> Sequence[str]:
        # Into a terminal crun tells its reasons, where nobody reads them yet.
        log = ("--log", f"{job.run_dir}/{RUNTIME_LOG}") if job.terminal else ()
        arguments = (*self.arguments, *log)
        common = self._common(job.container, job.session, job.bundle, arguments)
        return [*self.command(), *common, *_execute_flags(job, process)]

    def _common(
        self, container: str, unique: str, bundle: str, arguments: Sequence[str]
    ) -> list[str]:
        """The flags of `create` and `exec` alike. arguments: global ones of the runtime."""
        runtime = [word for argument in arguments for word in ("--runtime-arg", argument)]
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

    def collect(self, job: ExecJob, *, timeout: float, limit: int) -> Output | None:
        from .. import json
        from .collect import collect

        process, pid_file = f"{job.bundle}/process.json", f"{job.run_dir}/pidfile"
        with open(process, "w", encoding="utf-8") as file:
            json.dump(dict(job.process), file)
        command = [self.runtime, *self.arguments, "exec", "--process", process]
        command += ["--pid-file", pid_file, job.container]
        variables = launch.environment(job.run_dir, self.variables)
        return collect(command, variables, job.run_dir, pid_file, timeout=timeout, limit=limit)


def _create_flags(job: MonitorJob) -> list[str]:
    flags = [
        *("--name", job.name),
        *("--container-pidfile", job.pid_file),
        *("--conmon-pidfile", f"{job.run_dir}/{PID_FILE}"),
        *("--persist-dir", job.run_dir),
        *("--exit-dir", job.exit_dir),
        *("--log-path", _log(job)),
    ]
    if job.restore:
        flags += ["--restore", job.restore]
    if job.log_size_max > 0:
        flags += ["--log-size-max", str(job.log_size_max)]
    if job.log_tag:
        flags += ["--log-tag", job.log_tag]
    flags += [word for label in job.log_labels for word in ("--log-label", label)]
    if not job.sync_log:
        flags.append("--no-sync-log")
    flags += _stream_flags(job.terminal, job.stdin)
    if job.stdin_stays:
        flags.append("--leave-stdin-open")
    flags += _runtime_options(job.preserve_fds, job.preserve_fd)
    if job.timeout > 0:
        flags += ["--timeout", str(job.timeout)]
    return flags + _exit_flags(job.exit_command)


def _execute_flags(job: ExecJob, process: str) -> list[str]:
    flags = [
        "--exec",
        *("--exec-process-spec", process),
        *("--container-pidfile", f"{job.run_dir}/pidfile"),
        *("--conmon-pidfile", f"{job.run_dir}/{PID_FILE}"),
        *("--persist-dir", job.run_dir),
        *("--exit-dir", job.exit_dir),
        *("--log-path", "none:"),
    ]
    if not job.detach:
        flags.append("--exec-attach")
    flags += _runtime_options(job.preserve_fds, job.preserve_fd)
    return flags + _stream_flags(job.terminal, job.stdin) + _exit_flags(job.exit_command)


def _stream_flags(terminal: bool, stdin: bool) -> list[str]:
    """The flags for what the process gets as its streams.

    With --stdin, conmon closes the process's stdin when a client leaves: right for a pipe;
    a terminal must outlive those that detach from it, and needs no pipe.
    """
    if terminal:
        return ["--terminal"]
    return ["--stdin"] if stdin else []


def _runtime_options(preserve_fds: int, preserve_fd: Sequence[int]) -> list[str]:
    """What conmon passes to the runtime's `create` or `exec`: a number from 3 on.

    Those between that are not passed are not there; runtimes take that.
    """
    count = max(preserve_fds, *(number - 2 for number in preserve_fd), 0)
    if count == 0:
        return []
    return ["--runtime-opt", "--preserve-fds", "--runtime-opt", str(count)]


def _exit_flags(command: Sequence[str]) -> list[str]:
    """The flags for what conmon runs after the exit."""
    if not command:
        return []
    flags = ["--exit-command", command[0]]
    for word in command[1:]:
        flags += ["--exit-command-arg", word]
    return flags


def _log(job: MonitorJob) -> str:
    """conmon's --log-path is DRIVER:PATH; drivers without a file take none."""
    if job.log_driver in ("none", "null"):
        return "none:"
    if job.log_driver == "journald":
        return "journald:"
    if job.log_driver.startswith("passthrough"):
        return "passthrough:"
    if job.log_driver in ("k8s-file", "json-file", ""):
        return f"k8s-file:{job.log_path}"
    raise RuntimeFailed(f"conmon has no log driver {job.log_driver!r}")
