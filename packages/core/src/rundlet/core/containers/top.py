"""The processes of a running container, as podman-top(1) shows them: read from /proc, outside."""

from __future__ import annotations

import os
import tempfile
import time

from ..contracts.monitor import Streams
from ..errors import CommandNotFound, InvalidArgument, NotSupported, WrongState
from ..format.units import go_duration
from ..spec import capabilities
from .exec import ExecRequest, execute
from .state import has_process
from .stats import members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine import Engine
    from ..state.containers import Container

DEFAULT = ("user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args")
_TICKS = os.sysconf("SC_CLK_TCK")
_AIX = {
    "%C": "pcpu", "%G": "group", "%P": "ppid", "%U": "user", "%a": "args", "%c": "comm",
    "%g": "rgroup", "%n": "nice", "%p": "pid", "%r": "pgid", "%t": "etime", "%u": "ruser",
    "%x": "time", "%y": "tty", "%z": "vsz",
}  # fmt: skip


def top(engine: Engine, row: Container, words: Sequence[str]) -> list[list[str]]:
    """A heading and one row for each process.

    words: descriptors (comma-separated or not, AIX's too), or with a "-" in front the
    arguments of a ps(1) that is run in the container. Raises WrongState for a container that
    does not run, InvalidArgument for an unknown descriptor.
    """
    if not has_process(row) or row.status == "initialized":  # that is the runtime's own still
        raise WrongState("top can only be used on running containers")
    if any(word.startswith("-") for word in words) or (words and not _known(words)):
        return _by_ps(engine, row, words)
    if not engine.plugins.runtime(row.runtime).shares_kernel:
        raise NotSupported(
            f"processes of runtime {row.runtime} are not seen from outside",
            remedy=f"ask a ps in the container: top {row.name} -ef",
        )
    wanted = _columns(words) or DEFAULT
    found = members(engine, row)
    machine = _Machine()
    tables = _Tables(f"/proc/{row.pid}/root")
    rows = []
    for pid in found or [row.pid]:
        process = _read(pid, machine, tables, row.pid)
        if process is not None:
            rows.append([_COLUMNS[name][1](process) for name in wanted])
    return [[_COLUMNS[name][0] for name in wanted], *rows]


def _columns(words: Sequence[str]) -> list[str]:
    parts = [part for word in words for part in word.replace(",", " ").split()]
    return [_AIX.get(part, part) for part in parts]


def _known(words: Sequence[str]) -> bool:
    return all(name in _COLUMNS for name in _columns(words))


def _by_ps(engine: Engine, row: Container, words: Sequence[str]) -> list[list[str]]:
    """What a ps in the container prints. Raises InvalidArgument where it does not want to."""
    arguments = words[0].split() if len(words) == 1 else list(words)
    request = ExecRequest(("ps", *arguments))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        streams = Streams(-1, out.fileno(), errors.fileno())
        try:
            done = execute(engine, row, request, streams)
        except CommandNotFound:
            raise _no_ps(words) from None
        out.seek(0)
        errors.seek(0)
        said, complaint = out.read().decode(errors="replace"), errors.read().decode().strip()
    if done.exit_code:
        raise InvalidArgument(f"ps {' '.join(arguments)} in the container: {complaint}")
    lines = said.splitlines()
    count = len(lines[0].split()) if lines else 0
    return [line.split(None, count - 1) for line in lines]


def _no_ps(words: Sequence[str]) -> InvalidArgument:
    unknown = ", ".join(name for name in _columns(words) if name not in _COLUMNS)
    return InvalidArgument(
        f"unknown descriptor {unknown}, and the container has no ps",
        remedy=f"Known are {', '.join(_COLUMNS)}.",
    )


class _Machine:
    """What is the same for all processes."""

    def __init__(self) -> None:
        with open("/proc/uptime", encoding="utf-8") as file:
            self.uptime = float(file.read().split()[0])
        self.host = _Tables("/")


class _Tables:
    """Names of users and groups below a root directory."""

    def __init__(self, root: str) -> None:
        self.users = _names(f"{root}/etc/passwd")
        self.groups = _names(f"{root}/etc/group")


def _names(path: str) -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.split(":")
                if len(fields) > 2 and fields[2].isdecimal():
                    found.setdefault(int(fields[2]), fields[0])
    except OSError:
        return {}
    return found


class _Process:
    """One process: the fields of /proc/PID/stat and status (proc(5))."""

    def __init__(
        self,
        stat: list[str],
        status: dict[str, str],
        args: str,
        machine: _Machine,
        tables: _Tables,
        init: int,
    ) -> None:
        self.stat = stat
        self.status = status
        self.args = args
        self.tables = tables
        self.machine = machine
        self.pid = int(status["Pid"])
        self._init = init

    @property
    def cpu(self) -> float:
        """Seconds of processor time."""
        return (int(self.stat[11]) + int(self.stat[12])) / _TICKS

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return max(0.0, self.machine.uptime - int(self.stat[19]) / _TICKS)

    def parent(self) -> str:
        """The parent's number in the container; 0 when that is outside."""
        if self.pid == self._init:
            return "0"
        try:
            with open(f"/proc/{self.status['PPid']}/status", encoding="utf-8") as file:
                status = _fields(file.read())
        except OSError:
            return "0"
        levels = len(self.status["NSpid"].split())
        numbers = status["NSpid"].split()
        return numbers[-1] if len(numbers) >= levels else "0"

    def owner(self, key: str, which: int, inside: bool) -> str:
        """A user or group by name: key "Uid" or "Gid", which: 0 real, 1 effective."""
        number = int(self.status[key].split()[which])
        return self.named(key, number, inside)

    def named(self, key: str, number: int, inside: bool) -> str:
        tables = self.tables if inside else self.machine.host
        if inside:
            number = _inside(self.pid, "uid" if key == "Uid" else "gid", number)
        names = tables.users if key == "Uid" else tables.groups
        return names.get(number, str(number))

    def groups(self, inside: bool) -> str:
        """The additional groups."""
        numbers = [int(word) for word in self.status.get("Groups", "").split()]
        return ",".join(self.named("Gid", number, inside) for number in numbers)

    def capabilities(self, key: str) -> str:
        """A set of capabilities by name."""
        names = capabilities.of_mask(int(self.status[key], 16))
        if not names:
            return "none"
        if len(names) == len(capabilities.ALL):
            return "full"
        return ",".join(name.removeprefix("CAP_") for name in names)

    def terminal(self) -> str:
        """The controlling terminal (proc(5), tty_nr)."""
        number = int(self.stat[4])
        major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
        if 136 <= major <= 143:
            return f"pts/{minor + (major - 136) * 256}"
        return f"tty{minor}" if major == 4 else "?"

    def label(self) -> str:
        try:
            with open(f"/proc/{self.pid}/attr/current", encoding="utf-8") as file:
                return file.read().strip("\0\n") or "?"
        except OSError:
            return "?"

    def start(self) -> str:
        began = time.time() - self.elapsed
        return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(began))


def _read(pid: int, machine: _Machine, tables: _Tables, init: int) -> _Process | None:
    """None for a process that has just ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            stat = file.read().rpartition(")")[2].split()
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            status = _fields(file.read())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    args = b" ".join(words).decode(errors="replace").strip() or f"[{status['Name']}]"
    return _Process(stat, status, args, machine, tables, init)


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in pairs}


def _inside(pid: int, kind: str, number: int) -> int:
    """A number of the host as the process's user namespace has it."""
    try:
        with open(f"/proc/{pid}/{kind}_map", encoding="utf-8") as file:
            rows = [[int(word) for word in line.split()] for line in file]
    except OSError:
        return number
    for first, outside, size in rows:
        if outside <= number < outside + size:
            return first + number - outside
    return number


def _percent(process: _Process) -> str:
    whole = process.elapsed
    return f"{100 * process.cpu / whole if whole else 0:.3f}"


_SECCOMP = {"0": "disabled", "1": "strict", "2": "filter"}
_COLUMNS: dict[str, tuple[str, Callable[[_Process], str]]] = {
    "args": ("COMMAND", lambda p: p.args),
    "capamb": ("AMBIENT CAPS", lambda p: p.capabilities("CapAmb")),
    "capbnd": ("BOUNDING CAPS", lambda p: p.capabilities("CapBnd")),
    "capeff": ("EFFECTIVE CAPS", lambda p: p.capabilities("CapEff")),
    "capinh": ("INHERITED CAPS", lambda p: p.capabilities("CapInh")),
    "capprm": ("PERMITTED CAPS", lambda p: p.capabilities("CapPrm")),
    "comm": ("COMMAND", lambda p: p.status["Name"]),
    "etime": ("ELAPSED", lambda p: go_duration(p.elapsed)),
    "group": ("GROUP", lambda p: p.owner("Gid", 1, True)),
    "groups": ("GROUPS", lambda p: p.groups(True)),
    "hgroup": ("HGROUP", lambda p: p.owner("Gid", 1, False)),
    "hgroups": ("HGROUPS", lambda p: p.groups(False)),
    "hpid": ("HPID", lambda p: str(p.pid)),
    "huser": ("HUSER", lambda p: p.owner("Uid", 1, False)),
    "label": ("LABEL", _Process.label),
    "nice": ("NI", lambda p: p.stat[16]),
    "pcpu": ("%CPU", _percent),
    "pgid": ("PGID", lambda p: p.status["NSpgid"].split()[-1]),
    "pid": ("PID", lambda p: p.status["NSpid"].split()[-1]),
    "ppid": ("PPID", _Process.parent),
    "rgroup": ("RGROUP", lambda p: p.owner("Gid", 0, True)),
    "rss": ("RSS", lambda p: p.status.get("VmRSS", "0").split()[0]),
    "ruser": ("RUSER", lambda p: p.owner("Uid", 0, True)),
    "seccomp": ("SECCOMP", lambda p: _SECCOMP.get(p.status["Seccomp"], "?")),
    "state": ("STATE", lambda p: p.stat[0]),
    "stime": ("STIME", _Process.start),
    "time": ("TIME", lambda p: go_duration(p.cpu)),
    "tty": ("TTY", _Process.terminal),
    "user": ("USER", lambda p: p.owner("Uid", 1, True)),
    "vsz": ("VSZ", lambda p: p.status.get("VmSize", "0").split()[0]),
}
