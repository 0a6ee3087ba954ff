"""Running crun where the cgroup2 hierarchy of a hybrid machine is not mounted.

The monitor starts crun by nsenter(1) in a mount namespace that is made for this one call, by a
thread of ours: a thread may leave its process's namespace alone (unshare(2)). Its mounts stay in
their peer groups, so that `rshared` and `rslave` volumes work as anywhere; only the parent of the
hidden mount is made private first, else the unmount would reach the host. The monitor itself
stays outside: it lives as long as the container, and would keep others' mounts busy.
"""

from __future__ import annotations

import os

from ..errors import DriverUnavailable
from ..linux import syscalls
from ..monitor.conmon import ConmonMonitor
from .crun import UNIFIED
from .facts import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from ..contracts.monitor import ExecJob, ExecSession, Monitored, MonitorJob, Output

_NOT_MOUNTED = 22  # EINVAL


class HybridMonitor(ConmonMonitor):
    """conmon over crun, which it starts in a namespace that is there while a call lasts."""

    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        with _Namespace(UNIFIED) as path:
            return self._within(path).create(job, environment=environment)

    def execute(self, job: ExecJob) -> ExecSession:
        with _Namespace(UNIFIED) as path:
            return self._within(path).execute(job)

    def collect(self, job: ExecJob, *, timeout: float, limit: int) -> Output | None:
        with _Namespace(UNIFIED) as path:
            return self._within(path).collect(job, timeout=timeout, limit=limit)

    def _within(self, namespace: str) -> ConmonMonitor:
        """The same, but for where crun is started. Raises DriverUnavailable."""
        nsenter = find(("nsenter",))
        if not nsenter:
            raise DriverUnavailable(
                "crun cannot work with hybrid cgroups here: nsenter is not installed",
                remedy="apt install util-linux, or use another runtime",
            )
        return ConmonMonitor(
            nsenter,
            (f"--mount={namespace}", self.runtime, *self.arguments),
            self._conmon,
            self.name,
            variables=self.variables,
            create_options=self._create_options,
            sync_log=self._sync_log,
            no_cgroup=self._no_cgroup,
        )


class _Namespace:
    """A context: the path of such a namespace."""

    def __init__(self, without: str) -> None:
        self._without = without
        self._descriptor = -1

    def __enter__(self) -> str:
        self._descriptor = namespace_without(self._without)
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


def namespace_without(point: str) -> int:
    """A descriptor of a new mount namespace, like ours but with an empty tmpfs at `point`.

    Raises DriverUnavailable where none can be made.
    """
    try:
        return syscalls.in_own_thread(lambda: _leave(point))
    except OSError as error:
        raise DriverUnavailable(
            f"crun cannot work with hybrid cgroups here: {point}: {error.strerror}",
            remedy="use another runtime",
        ) from error


def _leave(point: str) -> int:
    """Take this thread, which is to end soon, to a namespace without a mount."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    try:
        syscalls.mount("", os.path.dirname(point), flags=syscalls.MS_PRIVATE)
    except OSError as error:
        if error.errno != _NOT_MOUNTED:
            raise
    syscalls.unmount(point)
    # crun makes a directory for each container there. On the host's file system below the mount,
    # which systemd makes read-only, it could not, or nobody would ever remove it.
    syscalls.mount("tmpfs", point, "tmpfs")
    return os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
