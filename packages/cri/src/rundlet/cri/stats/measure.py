"""Measurements: cgroup files (v1 and v2), pressure, the counters of a pod's interfaces."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from rundlet.core import Engine
from rundlet.core.cgroups.container import directories, usage
from rundlet.core.cgroups.layout import layout
from rundlet.core.containers.state import has_process
from rundlet.core.containers.stats import cgroups_path
from rundlet.core.errors import RundletError
from rundlet.core.networks.namespace import Inside
from rundlet.core.state.containers import Container
from rundlet.core.value import EMPTY, Value


class Pressure(Value):
    """One line of a pressure file (accounting/psi.rst): total in us, averages in percent."""

    total: int = 0
    avg10: float = 0.0
    avg60: float = 0.0
    avg300: float = 0.0


class Usage(Value):
    """Of one container at `time` (ns since the epoch). Sizes in bytes, cpu in ns; 0: not known.

    swap_limit: 0 for a container that may not swap at all, -1 for no limit, and not known.
    pressure: by resource ("cpu", "memory", "io"), then "some" and "full".
    """

    time: int
    cpu: int = 0
    memory: int = 0
    working_set: int = 0
    limit: int = 0
    rss: int = 0
    faults: int = 0
    major_faults: int = 0
    swap: int = 0
    swap_limit: int = -1
    processes: int = 0
    pressure: Mapping[str, Mapping[str, Pressure]] = EMPTY

    @property
    def available(self) -> int:
        return max(0, self.limit - self.working_set) if self.limit else 0


class Interface(Value):
    """Counters of one interface since it was made."""

    name: str
    received: int
    receive_errors: int
    sent: int
    send_errors: int


_UNLIMITED = 1 << 62  # v1 says so with a number near 2**63


def container(engine: Engine, row: Container) -> Usage | None:
    """Measure a container; None for one that does not run."""
    if not has_process(row):
        return None
    found = layout(engine.settings.cgroup_manager)
    try:
        path = cgroups_path(engine, row)
    except (OSError, ValueError):
        return None  # it is being removed
    where = directories(found, path)
    unified = found.version == "unified"
    memory = where.get("" if unified else "memory", "")
    try:
        counted = engine.plugins.runtime(row.runtime).usage(row.id) or usage(found, path)
    except RundletError:
        return None  # its shim was killed
    detail = _pairs(f"{memory}/memory.stat")
    used = counted.memory or 0
    idle = detail.get("inactive_file" if unified else "total_inactive_file", 0)
    limit = counted.memory_limit or 0
    return Usage(
        time=time.time_ns(),
        cpu=counted.cpu_nanoseconds or 0,
        memory=used,
        working_set=max(0, used - idle),
        limit=limit if limit < _UNLIMITED else 0,
        rss=detail.get("anon" if unified else "total_rss", 0),
        faults=detail.get("pgfault" if unified else "total_pgfault", 0),
        major_faults=detail.get("pgmajfault" if unified else "total_pgmajfault", 0),
        swap=_number(f"{memory}/memory.swap.current") if unified else detail.get("total_swap", 0),
        swap_limit=_swap_limit(memory, limit, unified),
        processes=counted.pids or 0,
        pressure=_pressures(where.get("", "")),
    )


def _swap_limit(memory: str, limit: int, unified: bool) -> int:
    """Bytes of swap that a container may have, as Usage has it.

    v1 counts memory and swap together (memory.memsw), where it counts swap at all.
    """
    name = "memory.swap.max" if unified else "memory.memsw.limit_in_bytes"
    text = _read(f"{memory}/{name}").strip()
    if not text.isdecimal() or int(text) >= _UNLIMITED:
        return -1
    return int(text) if unified else max(0, int(text) - limit)


def pod_pressure(engine: Engine, row: Container) -> Mapping[str, Mapping[str, Pressure]]:
    """Pressure in the cgroup that a pod's containers are below, as in Usage."""
    try:
        path = cgroups_path(engine, row)
    except (OSError, ValueError):
        return {}  # it is being removed
    where = directories(layout(engine.settings.cgroup_manager), path).get("", "")
    return _pressures(os.path.dirname(where))


def interfaces(namespace: str) -> list[Interface]:
    """The interfaces of a network namespace, without its loopback; [] when it is gone."""
    try:
        with Inside(namespace), open("/proc/thread-self/net/dev", encoding="ascii") as file:
            lines = file.read().splitlines()[2:]
    except OSError:
        return []
    found = []
    for line in lines:
        name, _, counts = line.partition(":")
        numbers = [int(word) for word in counts.split()]
        if name.strip() != "lo":
            found.append(Interface(name.strip(), numbers[0], numbers[2], numbers[8], numbers[10]))
    return found


def _pressures(directory: str) -> dict[str, dict[str, Pressure]]:
    """Only cgroup v2 has pressure files, and only where the kernel was built and told so."""
    if not directory:
        return {}
    found = {kind: _pressure(f"{directory}/{kind}.pressure") for kind in ("cpu", "memory", "io")}
    return {kind: lines for kind, lines in found.items() if lines}


def _pressure(path: str) -> dict[str, Pressure]:
    found = {}
    for line in _read(path).splitlines():
        kind, *words = line.split()
        values = dict(word.split("=") for word in words)
        found[kind] = Pressure(
            int(values["total"]),
            float(values["avg10"]),
            float(values["avg60"]),
            float(values["avg300"]),
        )
    return found


def _pairs(path: str) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in _read(path).splitlines())}


def _number(path: str) -> int:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else 0


def _read(path: str) -> str:
    """A cgroup file; "" for one that is not (any more) there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(descriptor, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
