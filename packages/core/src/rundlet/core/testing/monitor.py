"""The clauses of a runtime's monitor (contracts/monitor.py): part of the suite of OCI runtimes."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..contracts.monitor import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.runtime import OCIRuntime
    from .runtime import Running

_MUCH = 3_000_000  # bytes; more than any pipe or socket holds


class MonitorContract:
    """What every monitor must do. `create` is the fixture of the suite of OCI runtimes."""

    def test_exit_file(self, create: Callable[..., Running], tmp_path: Path) -> None:
        """MONITOR-EXIT-FILE: the exit command finds the exit code."""
        seen = tmp_path / "seen"
        script = f'cat "$0" > {seen}.part || echo none > {seen}.part; mv {seen}.part {seen}'
        box = create(
            "sh", "-c", "exit 9", exit_command=lambda job: ("/bin/sh", "-c", script, job.exit_file)
        ).start()
        box.wait(seen.exists, "the exit command did not run")
        assert seen.read_text().strip() == "9", "MONITOR-EXIT-FILE"
        assert box.exit_code() == 9

    def test_orphans(self, create: Callable[..., Running], tmp_path: Path) -> None:
        """MONITOR-ORPHAN: the process lives on when the one that created it is killed."""
        box = create("sh", "-c", "echo on; sleep 0.3; echo and on; exit 3", through=_killed)
        box.start()
        assert box.exit_code() == 3, "MONITOR-ORPHAN"
        assert box.output() == "on\nand on\n", "MONITOR-ORPHAN: the log is lost"

    def test_attached_to_all(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """MONITOR-ATTACH-ALL: output before the exit reaches an attached client in full."""
        box = create("sh", "-c", f"busybox head -c {_MUCH} /dev/zero")
        attached = driver.monitor().attach(box.job.bundle, box.id, terminal=False)
        read, write = os.pipe()
        got: list[int] = []

        def drain() -> None:
            while data := os.read(read, 1 << 16):
                got.append(len(data))

        reader = threading.Thread(target=drain)
        reader.start()
        try:
            box.start()
            assert attached.pump(Streams(-1, write, -1)) == "exited"
        finally:
            os.close(write)
            reader.join()
            os.close(read)
            attached.close()
        assert sum(got) == _MUCH, "MONITOR-ATTACH-ALL"


def _killed(work: Callable[[], object]) -> None:
    """Do it in a process that is killed right after."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status), "it could not be created"
