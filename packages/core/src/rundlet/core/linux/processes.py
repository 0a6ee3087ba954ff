"""Processes: identity that survives pid reuse, and starting programs cheaply."""

from __future__ import annotations

import os
import select

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PARTIAL = ".partial"


_ahead: int | None = None


def start_time(pid: int) -> int:
    """Field 22 of /proc/PID/stat (clock ticks since boot); 0 if there is no such process.

    The same in every time namespace.

    A zombie counts as gone, unless only its first thread has ended and others run on
    (pthread_exit(3) in main): /proc calls that one a zombie too.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    threads = int(fields[17])  # of a zombie, 1: itself
    if fields[0] == b"X" or (fields[0] == b"Z" and threads < 2):
        return 0
    return int(fields[19]) - _boot_offset()


def _boot_offset() -> int:
    """How far our boot clock is ahead of the machine's (time_namespaces(7)), in clock ticks.

    /proc tells start times by the reader's clock; what is noted must be true for all readers.
    """
    global _ahead
    if _ahead is None:
        _ahead = 0
        try:
            with open("/proc/self/timens_offsets", "rb") as file:
                clocks = [line.split() for line in file]
        except FileNotFoundError:  # a kernel without time namespaces
            return 0
        for clock, seconds, nanoseconds in clocks:
            if clock == b"boottime":
                whole = int(seconds) * 10**9 + int(nanoseconds)
                _ahead = whole * os.sysconf("SC_CLK_TCK") // 10**9 if whole else 0
    return _ahead


def partial_name(path: str) -> str:
    """The name beside a path of what this process is about to put there.

    After a kill `system check` removes it by this name: see `left_partial`.
    """
    return f"{path}.{os.getpid()}{_PARTIAL}"


def left_partial(name: str) -> bool:
    """Whether a file of this name is what a process that is gone has not finished."""
    pid = name.removesuffix(_PARTIAL).rpartition(".")[2] if name.endswith(_PARTIAL) else ""
    return pid.isdecimal() and not start_time(int(pid))


def alive(pid: int, started: int) -> bool:
    """Whether the process that had `pid` when it started at `started` still lives."""
    return pid > 0 and started > 0 and start_time(pid) == started


class Listening(Value):
    """How a signal that is sent now reaches a process.

    handled: it has a handler. program: which program ("/bin/sh") handles it, or blocks it, to
    wait for it or for a while; "" for none: the init of a pid namespace gets no other signals
    than those (pid_namespaces(7)).
    """

    handled: bool
    program: str


def listening(pid: int, signal: int) -> Listening:
    """Who would hear a signal; nobody in a process that is gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            lines = file.read().split(b"\n")
        program = os.readlink(f"/proc/{pid}/exe")
    except (FileNotFoundError, ProcessLookupError):
        return Listening(False, "")
    fields = dict(line.split(b":\t", 1) for line in lines if line)
    handled, blocked = (
        bool(int(fields[mask], 16) >> (signal - 1) & 1) for mask in (b"SigCgt", b"SigBlk")
    )
    return Listening(handled, program if handled or blocked else "")


def in_namespace(kind: str, pid: int) -> list[int]:
    """All processes in the namespace ("pid", "net", ...) that a process is in (namespaces(7))."""
    wanted = _namespace(kind, pid)
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return sorted(found for found in pids if wanted and _namespace(kind, found) == wanted)


def _namespace(kind: str, pid: int) -> str:
    """What tells a namespace; "" where there is no such process, or none that we may look at."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


class Finished(Value):
    """A program that ran to its end: exit code (negative: signal) and what it printed."""

    code: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str],
    *,
    program: str = "",
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    timeout: float | None = None,
) -> Finished:
    """Run a program to its end and collect its output.

    By posix_spawn: `subprocess` costs 10 to 20 ms to import, more than most of
    the programs run here. argv[0] must be an absolute path; program: the file to start, if that
    is another. timeout: seconds after which it is killed. Raises FileNotFoundError and
    PermissionError as exec would, TimeoutError for one that was killed.
    """
    in_read = os.memfd_create("stdin", os.MFD_CLOEXEC)
    out, err = (os.memfd_create(name, os.MFD_CLOEXEC) for name in ("stdout", "stderr"))
    try:
        os.write(in_read, stdin)
        os.lseek(in_read, 0, os.SEEK_SET)
        actions = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate((in_read, out, err))]
        actions += [(os.POSIX_SPAWN_DUP2, fd, fd) for fd in pass_fds]
        pid = os.posix_spawn(
            program or argv[0],
            list(argv),
            os.environ if environment is None else environment,
            file_actions=actions,
        )
        late = timeout is not None and _is_late(pid, timeout)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if late:
            raise TimeoutError(f"{argv[0]} has not ended within {timeout:g} s")
        return Finished(code, _content(out), _content(err))
    finally:
        for fd in (in_read, out, err):
            os.close(fd)


def readable(descriptors: Sequence[int], timeout: float | None) -> bool:
    """Whether one has something to read, or the end of its process, within so many seconds.

    By poll(2): select(2) refuses descriptors from 1024 on, which a server of many pods has.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else max(0.0, timeout * 1000)))


def _is_late(pid: int, timeout: float) -> bool:
    """Wait for a child; whether it had to be killed."""
    descriptor = os.pidfd_open(pid)
    try:
        if readable([descriptor], timeout):
            return False
    finally:
        os.close(descriptor)
    os.kill(pid, 9)  # a child that nobody has waited for: it is still that one
    return True


def _content(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return os.pread(descriptor, size, 0)
