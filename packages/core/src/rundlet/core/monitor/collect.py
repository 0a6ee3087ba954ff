"""One more process in a running container, by the OCI runtime itself, its output collected.

Who only waits for a command's output and exit code needs no monitor beside it: a probe of
kubelet takes a third of the time so. The runtime's `exec` waits for the command and has its exit
code; whether the command was started at all says the pid file.
"""

from __future__ import annotations

import os
import select
import signal
import time

from ..contracts.monitor import Output
from ..linux.processes import start_time
from ..linux.spawn import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 65536
_LATE = 5.0  # seconds that a runtime has to end once its children were killed


class _Stream:
    """Our end of a pipe; what is beyond the limit is read and dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.kept = bytearray()
        self.end, self.write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.end, False)

    def read(self) -> bool:
        """Take what is there; False at its end."""
        while True:
            try:
                data = os.read(self.end, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.kept += data[: max(0, self._limit - len(self.kept))]


def collect(
    command: Sequence[str],
    variables: Mapping[str, str],
    directory: str,
    pid_file: str,
    *,
    timeout: float,
    limit: int,
) -> Output:
    """Run `command`, a runtime's `exec` that writes pid_file, to its end.

    timeout: seconds, 0 for none; then all that it started is killed. limit: bytes that are kept
    of each stream. What a process in the background writes afterwards is not waited for.
    """
    out, err = _Stream(limit), _Stream(limit)
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    try:
        streams = {0: null, 1: out.write, 2: err.write}
        pid = spawn(
            command,
            directory=directory,
            environment=variables,
            descriptors=streams,
            session=False,
        )
    except BaseException:
        os.close(out.end)
        os.close(err.end)
        raise
    finally:
        for descriptor in (null, out.write, err.write):
            os.close(descriptor)
    try:
        late = _until_end(pid, (out, err), timeout)
    except BaseException:
        kill_tree(pid)
        raise
    finally:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(out.end)
        os.close(err.end)
    return Output(bytes(out.kept), bytes(err.kept), code, os.path.exists(pid_file), late)


def _until_end(pid: int, streams: Sequence[_Stream], timeout: float) -> bool:
    """Read until the process has ended; whether the time was up first."""
    deadline = time.monotonic() + timeout if timeout > 0 else None
    process = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(process, select.POLLIN)
    by_end = {stream.end: stream for stream in streams}
    for end in by_end:
        poller.register(end, select.POLLIN)
    late = False
    try:
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = [descriptor for descriptor, _ in poller.poll(_milliseconds(left))]
            for end in ready:
                if end in by_end and not by_end[end].read():
                    poller.unregister(end)
            if process in ready:
                return late
            if not ready and deadline is not None and time.monotonic() >= deadline:
                kill_tree(pid)
                late, deadline = True, time.monotonic() + _LATE
    finally:
        for stream in streams:
            stream.read()
        os.close(process)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000) + 1


def kill_tree(pid: int, grace: float = _LATE) -> None:
    """Kill all that a process has started, what it is about to start, and then the process.

    grace: seconds that it has to end by itself. It may be a runtime that hands over to the
    command just now; and only it can see to it that no zombie stays in the container, whose
    first process need not know of any.
    """
    deadline = time.monotonic() + grace
    while True:
        for one in _children(pid):
            _signal(one, signal.SIGKILL)
        if not start_time(pid) or time.monotonic() >= deadline:
            break
        time.sleep(0.005)
    _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _children(pid: int) -> list[int]:
    """All processes below one, deepest first (proc(5), /proc/PID/task/TID/children)."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                children = [int(word) for word in file.read().split()]
        except OSError:
            continue
        for child in children:
            found += [*_children(child), child]
    return found
