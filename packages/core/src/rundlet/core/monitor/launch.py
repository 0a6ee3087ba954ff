"""Starting conmon, and the pipes between it and us.

conmon reads `_OCI_STARTPIPE` before it forks (so that it can be put in its cgroup first)
and answers on `_OCI_SYNCPIPE`, a JSON object per line: `{"data": PID}`, or with
--exec later `{"data": EXIT_CODE}`; `{"data": -1, "message": ..}` when the runtime failed.
The first process writes the pid file of the second, which is the monitor, and ends.
"""

from __future__ import annotations

import os
from contextlib import suppress

from .. import json
from ..errors import DriverUnavailable, InvalidArgument, RuntimeFailed
from ..linux.processes import readable
from ..linux.spawn import spawn
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Where containers.conf's engine.conmon_path looks.
PATHS = (
    "/usr/libexec/podman/conmon",
    "/usr/local/libexec/podman/conmon",
    "/usr/local/lib/podman/conmon",
    "/usr/bin/conmon",
    "/usr/sbin/conmon",
    "/usr/local/bin/conmon",
    "/usr/local/sbin/conmon",
)
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "NOTIFY_SOCKET", "DBUS_SESSION_BUS_ADDRESS")
_KEPT_PREFIXES = ("RUNDLET_", "CONTAINERS_", "XDG_", "PYTHON")
_LONGEST_TEMPORARY = 80  # conmon binds TMPDIR/conmon-term.XXXXXX: sun_path has 108 bytes


_SYNC, _START, _ATTACH = "_OCI_SYNCPIPE", "_OCI_STARTPIPE", "_OCI_ATTACHPIPE"


class Sync(Value):
    """One message of conmon: a process id or exit code, and the runtime's words when it failed."""

    data: int
    message: str = ""


class Launched:
    """A conmon that was started, and our ends of its pipes."""

    def __init__(self, sync: int, start: int, attach: int) -> None:
        self.sync = sync
        self.start = start
        self.attach = attach
        self._unread = b""

    def go(self) -> None:
        """Let it go on from where it waits."""
        os.write(self.start, b"\0")

    def read(self, timeout: float | None = None) -> Sync | None:
        """The next message; None when conmon closed the pipe without one.

        Raises TimeoutError when nothing comes for `timeout` seconds.
        """
        while b"\n" not in self._unread:
            if not readable([self.sync], timeout):
                raise TimeoutError
            data = os.read(self.sync, 65536)
            if not data:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return parse(line)

    def wait_for_socket(self) -> None:
        """Until the attach socket of an exec session is there to connect to."""
        os.read(self.attach, 4096)

    def close(self) -> None:
        for descriptor in (self.sync, self.start, self.attach):
            if descriptor >= 0:
                os.close(descriptor)
        self.sync = self.start = self.attach = -1


def parse(line: bytes) -> Sync:
    """Read one message. conmon passes on control characters that JSON forbids."""
    text = line.decode(errors="replace")
    try:
        found = json.loads(text, strict=False)
        return Sync(int(found["data"]), str(found.get("message", "")))
    except (ValueError, TypeError, KeyError):
        return Sync(-1, f"conmon: unexpected answer {text[:200]!r}")


def find(wanted: str = "") -> str:
    """The path of conmon. Raises DriverUnavailable."""
    for path in (wanted,) if wanted else PATHS:
        if os.access(path, os.X_OK):
            return path
    raise DriverUnavailable(
        f"{wanted or 'conmon'} is not installed", remedy="apt install conmon, or set conmon"
    )


def environment(run_dir: str, given: Mapping[str, str] | None) -> dict[str, str]:
    """What conmon, the runtime and the exit command are given of our variables, and `given`.

    An empty value in `given` takes a variable away.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if key in _KEPT or key.startswith(_KEPT_PREFIXES)
    }
    if len(run_dir) <= _LONGEST_TEMPORARY:
        kept["TMPDIR"] = run_dir  # the pty's socket where only root comes
    kept.update(given or {})
    return {key: value for key, value in kept.items() if value}


def launch(
    argv: Sequence[str],
    *,
    directory: str,
    variables: Mapping[str, str],
    passed: Sequence[int] = (),
    passthrough: bool = False,
    attach: bool = False,
    session: bool = True,
) -> Launched:
    """Start conmon and wait until it has become a daemon.

    directory: its working directory (it writes `oom` there). passed: our descriptors
    that it hands to the container, of the same numbers (`passed`). passthrough: give it our stdio.
    attach: an exec session whose command waits for a client. session: whether it needs us to
    make a session for it (linux/spawn.py).
    Raises RuntimeFailed with conmon's own words when it does not start.
    """
    sync = os.pipe2(os.O_CLOEXEC)
    start = os.pipe2(os.O_CLOEXEC)
    socket = os.pipe2(os.O_CLOEXEC) if attach else (-1, -1)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    words = os.memfd_create("conmon", os.MFD_CLOEXEC)
    standard = {0: 0, 1: 1, 2: 2} if passthrough else {0: null, 1: words, 2: words}
    theirs = {_SYNC: sync[1], _START: start[0], _ATTACH: socket[1]}
    pipes, descriptors = _numbered(theirs, max(passed, default=2) + 1)
    launched = Launched(sync[0], start[1], socket[0])
    try:
        try:
            pid = spawn(
                argv,
                directory=directory,
                environment={**variables, **pipes},
                descriptors={**standard, **dict(zip(passed, passed, strict=True)), **descriptors},
                session=session,
            )
        finally:
            for descriptor in (*descriptors.values(), null):
                os.close(descriptor)
        with suppress(BrokenPipeError):  # it has failed already: its words are read below
            launched.go()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0:
            said = os.pread(words, 4096, 0).decode(errors="replace").strip()
            raise RuntimeFailed(f"{said or f'{argv[0]} failed with exit code {status}'}")
    except OSError as error:
        launched.close()
        raise RuntimeFailed(f"cannot start {argv[0]}: {error.strerror}") from error
    except BaseException:
        launched.close()
        raise
    finally:
        os.close(words)
    return launched


def _numbered(pipes: Mapping[str, int], first: int) -> tuple[dict[str, str], dict[int, int]]:
    """Numbers from `first` on for the ends that conmon gets: by variable, and to ours.

    -1: a pipe that there is none of.
    """
    ends = [(name, ours) for name, ours in pipes.items() if ours >= 0]
    variables = {name: f"{number}" for number, (name, _) in enumerate(ends, first)}
    return variables, {number: ours for number, (_, ours) in enumerate(ends, first)}


def passed(count: int, others: Sequence[int]) -> tuple[int, ...]:
    """`count` descriptors from 3 on, and others. Raises InvalidArgument unless we were given them.

    Those that we opened ourselves (the state database among them) are close-on-exec, those
    of our caller are not: what is ours must never reach a container.
    """
    numbers = tuple(sorted({*range(3, 3 + count), *others}))
    if not numbers:
        return ()
    import fcntl

    for number in numbers:
        try:
            ours = fcntl.fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        except OSError:
            ours = 1
        if ours:
            raise InvalidArgument(
                f"file descriptor {number} is not available - the preserve-fds option requires"
                " that file descriptors must be passed"
            )
    for number in range(3, numbers[-1]):
        if number not in numbers:
            _keep(number)
    return numbers


def _keep(number: int) -> None:
    """Let a descriptor that our caller has passed to us go no further."""
    try:
        os.set_inheritable(number, False)
    except OSError:
        return  # there is none
