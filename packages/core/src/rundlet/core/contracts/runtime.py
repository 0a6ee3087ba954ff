"""Contract of an OCI runtime: what turns a bundle into processes.

The engine hands over a *bundle* (a directory with `config.json`) and an id. The
process is born by the runtime's `monitor()` (contracts/monitor.py): conmon for
the runc family, a program of ours for shim-v2 runtimes. All else is asked here.

Clauses
    RUNTIME-PROBE           a probe that says no says why; `version` names the runtime.
    RUNTIME-RUN             output, exit code, process, mounts and limits are as the spec says.
    RUNTIME-LISTS           `containers` gives all, and nothing without any.
    RUNTIME-SIGNALS         `kill` sends the signal that was asked for.
    RUNTIME-UNKNOWN         `start`, `kill`, `delete` of an unknown container are NotFound.
    RUNTIME-DELETE-REFUSED  `delete` without force of what runs is refused, and harms nothing.
    RUNTIME-PAUSE           `pause` and `resume`, where `features` says so.
    RUNTIME-UPDATE          `update` where `features` says so; else NotSupported.
                            A CPU quota of -1 lifts it.
    RUNTIME-STATE-DERIVED   `state` asks the runtime; a container it does not know is
                            None, never an error.
    RUNTIME-DELETE-WINS     `delete(force=True)` ends the processes and succeeds in every
                            state, also for an unknown id.
    RUNTIME-KILL-DEAD       `kill` of an exited container raises WrongState.
    RUNTIME-WORDS           errors carry the runtime's own message, without log decoration.
    RUNTIME-126-127         a command that is not executable or not there is
                            CommandNotExecutable or CommandNotFound.
    RUNTIME-ADAPT           `adapt` removes from a spec only what this runtime cannot do
                            here, and says in warnings what that was.
    RUNTIME-NO-CGROUP       `MonitorJob.no_cgroup`, where `features` says so: the container stays
                            in its monitor's cgroups, and all that needs no cgroup works.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any, ClassVar, Literal

    from ..cgroups.container import CgroupUsage
    from .monitor import Monitor
    from .probe import Probe

    Status = Literal["creating", "created", "running", "paused", "stopped"]
    OCISpec = dict[str, Any]


KEPT = "@"
"""Between the name of a runtime and which of its tables a container keeps (plugins/kept.py)."""


def called(name: str) -> str:
    """The name of a runtime as people know it: without which of its tables is meant."""
    return name.partition(KEPT)[0]


class RuntimeConfig(Value):
    """How this node has configured a runtime (`rundlet.toml`, containers.conf, crio.conf).

    path: the binary; "" to search the usual places.
    root: directory of the runtime's own state, below the run root.
    args: extra global arguments, before the subcommand.
    options: all other keys of its table.
    privileged_without_host_devices: a privileged container gets only the devices it asks for.
    allowed_annotations: beginnings of the annotations that change how a container is run
        (spec/notes.py) which a container may bring; None: all.
    default_annotations: of every container that does not set them itself.
    """

    root: Path | str
    path: str = ""
    args: tuple[str, ...] = ()
    options: Mapping[str, Any] = EMPTY
    systemd_cgroup: bool = False
    privileged_without_host_devices: bool = False
    allowed_annotations: tuple[str, ...] | None = None
    default_annotations: Mapping[str, str] = EMPTY


class RuntimeState(Value):
    """The OCI state document (runtime-spec runtime.md#state), what we need of it."""

    id: str
    status: Status
    pid: int = 0
    bundle: str = ""


class RuntimeFeatures(Value):
    """What the runtime can do here, as its `features` document or our probe says.

    no_cgroup: containers without cgroups of their own (`MonitorJob.no_cgroup`).
    """

    checkpoint: bool = False
    pause: bool = True
    update: bool = True
    recursive_read_only: bool = False
    seccomp: bool = True
    user_namespaces: bool = True
    terminal: bool = True
    no_cgroup: bool = False
    document: Mapping[str, Any] = EMPTY


class Checkpointing(Value):
    """How a container is written to files. image: the directory for them; work: the one for logs.

    leave_running: it goes on afterwards. pre: only its memory, and it goes on; parent: where the
    image of such an earlier one is, relative to this one.
    """

    image: str
    work: str
    leave_running: bool = False
    tcp_established: bool = False
    file_locks: bool = False
    pre: bool = False
    parent: str = ""


class Adapted(Value):
    """A spec made fit for one runtime, and what was dropped or lowered on the way."""

    spec: OCISpec
    warnings: tuple[str, ...] = ()


class OCIRuntime(ABC):
    """Base of all OCI runtime drivers. Constructed as `Driver(config)`."""

    contract_version: ClassVar[int] = 1
    name: ClassVar[str]
    shares_kernel: ClassVar[bool] = True
    """Whether processes in the container are processes of this kernel: /proc tells of them."""
    keeps_ended: ClassVar[bool] = False
    """Whether `delete` of a container that has ended may wait: files are all that it has then."""
    mixes_managers: ClassVar[bool] = False
    """Whether one container's cgroup may be at a path where systemd manages those of others."""

    def __init__(self, config: RuntimeConfig) -> None:
        self.config = config

    @property
    def sandboxed_pods(self) -> bool:
        """Whether a pod needs a container that holds its machine, made before all others."""
        return False

    @abstractmethod
    def probe(self) -> Probe:
        """Whether containers can be run here with it, and how. Cheap; callers may cache it."""

    @abstractmethod
    def features(self) -> RuntimeFeatures: ...

    @abstractmethod
    def version(self) -> str:
        """One line: name and version as the runtime prints it."""

    @abstractmethod
    def adapt(self, spec: OCISpec) -> Adapted:
        """Make a generated spec fit for this runtime on this machine.

        spec: a new container's, or, before `update`, one that has `linux.resources` alone.
        """

    @abstractmethod
    def monitor(self) -> Monitor:
        """What creates, watches and serves the processes of this runtime."""

    @abstractmethod
    def start(self, container: str) -> None: ...

    @abstractmethod
    def kill(self, container: str, signal: int, *, all_processes: bool = False) -> None: ...

    @abstractmethod
    def delete(self, container: str, *, force: bool = False) -> None: ...

    @abstractmethod
    def state(self, container: str) -> RuntimeState | None: ...

    @abstractmethod
    def containers(self) -> Sequence[RuntimeState]:
        """All that the runtime knows below its root."""

    @abstractmethod
    def pause(self, container: str) -> None: ...

    @abstractmethod
    def resume(self, container: str) -> None: ...

    @abstractmethod
    def update(self, container: str, resources: Mapping[str, Any]) -> None:
        """Apply an OCI `linux.resources` object to a running container."""

    def notify_socket(self, container: str) -> str:
        """The path of a socket that it binds for a container's sd_notify; "" where it has none."""
        return ""

    def usage(self, container: str) -> CgroupUsage | None:
        """What a running container uses; None: its cgroup on this machine says it."""
        return None

    def checkpoint(self, container: str, options: Checkpointing) -> None:
        """Write the container to a directory. Optional: NotSupported unless overridden."""
        from ..errors import NotSupported

        raise NotSupported(f"OCI runtime {self.name} cannot checkpoint containers")
