"""Contract of a monitor: what stays with a container's process while no tool of ours runs.

It holds the pty or pipes, writes the log, keeps the exit code, serves attached
clients over a socket, and runs the exit command. Two are shipped: conmon
(`rundlet.core.monitor.conmon`), and our own for shim-v2 runtimes (`rundlet.core.monitor.shim`).

Clauses
    MONITOR-EXIT-FILE   the exit code is in `MonitorJob.exit_file` before the exit command runs.
    MONITOR-ORPHAN      the process lives on when the process that created it is killed.
    MONITOR-ATTACH-ALL  output written before the exit reaches an attached client in full.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class MonitorJob(Value):
    """A container to be created and watched. Paths are absolute, and text: this is a hot path.

    bundle: has config.json. exit_file: decimal exit code, written at exit.
    exit_command: argv run after the exit, or () for none.
    log_driver: k8s-file | journald | none | passthrough. log_size_max: bytes, -1 unlimited.
    log_labels: "FIELD=VALUE", of journald, where conmon has --log-label.
    preserve_fds: how many fds from 3 on are handed on; preserve_fd: those of other numbers.
    no_cgroup: the container gets no cgroups of its own; only for runtimes that can do that.
    cgroupfs: its `cgroupsPath` is a path, also where systemd manages those of others.
    sync_log: whether the log must be on disk before the exit counts.
    stdin_stays: whether stdin stays open when a client that was attached leaves.
    restore: the directory of a checkpoint to go on from, with options of the runtime's `restore`.
    """

    id: str
    name: str
    bundle: str
    run_dir: str
    exit_dir: str
    pid_file: str
    log_path: str
    log_driver: str = "k8s-file"
    log_size_max: int = -1
    log_tag: str = ""
    log_labels: tuple[str, ...] = ()
    terminal: bool = False
    stdin: bool = False
    exit_command: tuple[str, ...] = ()
    timeout: int = 0
    preserve_fds: int = 0
    preserve_fd: tuple[int, ...] = ()
    no_cgroup: bool = False
    cgroupfs: bool = False
    sync_log: bool = True
    stdin_stays: bool = False
    restore: str = ""
    restore_options: tuple[str, ...] = ()

    @property
    def exit_file(self) -> str:
        return f"{self.exit_dir}/{self.id}"


class ExecJob(Value):
    """One more process in a running container (an OCI process object in `process`)."""

    container: str
    session: str
    process: Mapping[str, object]
    bundle: str
    run_dir: str
    exit_dir: str
    terminal: bool = False
    stdin: bool = False
    exit_command: tuple[str, ...] = ()
    detach: bool = False
    preserve_fds: int = 0
    preserve_fd: tuple[int, ...] = ()


class Monitored(Value):
    """What `create` gives: process id of the container's init and of its monitor (0: none)."""

    pid: int
    monitor_pid: int


class Streams(Value):
    """A client's ends for attach and exec: file descriptors, -1 for closed.

    With a terminal, `stderr` is not used. `detach_keys`: bytes that end the attachment.
    """

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2
    terminal: bool = False
    detach_keys: bytes = b"\x10\x11"


class Output(Value):
    """What a command printed, and how it ended.

    started: whether it was; else stderr has the runtime's words. late: whether its time was up.
    """

    stdout: bytes
    stderr: bytes
    exit_code: int
    started: bool = True
    late: bool = False


class Attached(ABC):
    """An open connection to a container's or exec session's streams."""

    @abstractmethod
    def pump(self, streams: Streams) -> str:
        """Copy both ways until the process ends ("exited") or the keys are typed ("detached")."""

    @abstractmethod
    def resize(self, rows: int, columns: int) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class ExecSession(ABC):
    """A running exec process."""

    pid: int

    @abstractmethod
    def pump(self, streams: Streams) -> str:
        """As `Attached.pump`; may be called once."""

    @abstractmethod
    def resize(self, rows: int, columns: int) -> None: ...

    @abstractmethod
    def wait(self) -> int:
        """The exit code, once it ended."""

    @abstractmethod
    def kill(self, signal: int) -> bool:
        """Send a signal to it and to what it has started; whether it was there to have it."""


class Monitor(ABC):
    """Creates containers and serves their streams."""

    @abstractmethod
    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        """Runtime `create`, under a monitor. Raises RuntimeFailed or its kin, leaving nothing."""

    @abstractmethod
    def attach(self, job_dir: str, container: str, *, terminal: bool) -> Attached:
        """Connect to a created or running container (before `start`, so that no output is lost)."""

    @abstractmethod
    def execute(self, job: ExecJob) -> ExecSession: ...

    def collect(self, job: ExecJob, *, timeout: float, limit: int) -> Output | None:
        """Run a command without stdin and terminal to its end, at most `timeout` seconds (0: any
        time), and keep `limit` bytes of each of its streams.

        Optional, for probes: None where only `execute` can run a command.
        """
        return None

    @abstractmethod
    def reopen_log(self, job_dir: str, container: str) -> None: ...

    @abstractmethod
    def resize(self, job_dir: str, container: str, rows: int, columns: int) -> None: ...

    @abstractmethod
    def command(self) -> Sequence[str]:
        """argv prefix of the monitor, for `info`."""
