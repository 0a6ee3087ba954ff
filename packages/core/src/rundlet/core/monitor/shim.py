"""The monitor of shim-v2 runtimes: our own program (keeper/), in the place of conmon.

A shim has the process, its pty and its exit code; the keeper has what shims leave to their
caller: it copies the fifos to the log and to who is attached, and runs the exit command.
"""

from __future__ import annotations

import json
import sys

from ..errors import NotSupported
from ..value import EMPTY
from .program import ProgramMonitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contracts.monitor import ExecJob, MonitorJob
    from ..runtimes.shim.home import Shim

JOB_FILE = "shim-job.json"
"""In the run directory of a container or exec session: what the keeper has to do."""
_PYTHON = "from rundlet.core.monitor.keeper.main import main; main()"
_FILES = ("k8s-file", "json-file", "")
_NONE = ("none", "null")


class ShimMonitor(ProgramMonitor):
    """The keeper over one runtime's shims. variables: of its environment, and of the shims'.

    sync_log: False leaves logs to the page cache, whatever a job says.
    """

    def __init__(
        self, shim: Shim, variables: Mapping[str, str] = EMPTY, *, sync_log: bool = True
    ) -> None:
        self.shim = shim
        self.name = shim.name
        self.variables = variables
        self._sync_log = sync_log

    def command(self) -> Sequence[str]:
        return (sys.executable, "-P", "-c", _PYTHON)

    def create_command(self, job: MonitorJob) -> Sequence[str]:
        if job.log_driver not in (*_FILES, *_NONE):
            raise NotSupported(
                f"the log driver {job.log_driver} does not work with OCI runtime {self.name}",
                remedy="use k8s-file or none",
            )
        if job.restore:
            raise NotSupported(f"OCI runtime {self.name} restores no checkpoints")
        self._check(job.preserve_fds or len(job.preserve_fd))
        values = {
            **job.as_dict(),
            "log_path": "" if job.log_driver in _NONE else job.log_path,
            "sync_log": job.sync_log and self._sync_log,
            "exit_file": job.exit_file,
        }
        return self._with_job("create", job.id, job.run_dir, values)

    def execute_command(self, job: ExecJob, process: str) -> Sequence[str]:
        self._check(job.preserve_fds or len(job.preserve_fd))
        values = {**job.as_dict(), "process": process}
        return self._with_job("execute", job.session, job.run_dir, values)

    def kill_session(self, job: ExecJob, pid: int, signal: int) -> bool:
        """By the shim: the process may be one of a virtual machine."""
        from ..errors import RuntimeFailed
        from ..runtimes.shim import tasks
        from ..runtimes.shim.home import Home

        try:
            with tasks.connect(self.shim, Home(self.shim.root, job.container)) as client:
                client.call("Kill", id=job.container, exec_id=job.session, signal=signal)
        except RuntimeFailed:
            return False
        return True

    def _with_job(
        self, kind: str, unique: str, directory: str, values: Mapping[str, object]
    ) -> Sequence[str]:
        path = f"{directory}/{JOB_FILE}"
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"kind": kind, "shim": self.shim.as_dict(), **values}, file)
        # --cuuid, as conmon has it: by that a monitor is found whose starter was killed.
        return (*self.command(), "--cuuid", unique, path)

    def _check(self, preserve_fds: int) -> None:
        if preserve_fds > 0:
            raise NotSupported(f"OCI runtime {self.name} cannot pass on file descriptors")
