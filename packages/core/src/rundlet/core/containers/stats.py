"""What running containers use: processor, memory, network, block devices, processes."""

from __future__ import annotations

import os
import time

from ..cgroups.container import processes, usage
from ..cgroups.layout import layout
from ..errors import WrongState
from ..linux.processes import in_namespace
from ..value import EMPTY, Value
from . import cgroupless
from .state import has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..cgroups.container import CgroupUsage
    from ..engine import Engine
    from ..state.containers import Container


class Interface(Value):
    """Bytes, packets, errors and drops of one interface, as the container sees it."""

    received: int = 0
    received_packets: int = 0
    received_errors: int = 0
    received_dropped: int = 0
    sent: int = 0
    sent_packets: int = 0
    sent_errors: int = 0
    sent_dropped: int = 0


class Stats(Value):
    """One measurement. time: ns since the epoch; cpu, and what of it the kernel took: ns since
    the start; sizes in bytes.

    cpu_percent: of one processor, since the measurement before (since the start for the
    first); cpu_average: since the start.
    """

    time: int
    cpu: int = 0
    cpu_percent: float = 0
    cpu_average: float = 0
    memory: int = 0
    memory_limit: int = 0
    pids: int = 0
    block_read: int = 0
    block_written: int = 0
    interfaces: Mapping[str, Interface] = EMPTY
    cpu_kernel: int = 0

    @property
    def memory_percent(self) -> float:
        return 100 * self.memory / self.memory_limit if self.memory_limit else 0.0

    @property
    def received(self) -> int:
        return sum(one.received for one in self.interfaces.values())

    @property
    def sent(self) -> int:
        return sum(one.sent for one in self.interfaces.values())


def stats(engine: Engine, row: Container, before: Stats | None = None) -> Stats:
    """Measure a running container. before: the measurement that cpu_percent is relative to.

    Raises WrongState for one that does not run, NotSupported for one without cgroups,
    RuntimeFailed when its runtime does not say.
    """
    if not has_process(row):
        raise WrongState(f"container {row.id} is not running: container state improper")
    cgroupless.refuse(row, "measure")
    found = used(engine, row)
    now = time.time_ns()
    cpu = found.cpu_nanoseconds or 0
    since, then = (before.cpu, before.time) if before is not None else (0, row.started)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Stats(
        time=now,
        cpu=cpu,
        cpu_percent=_percent(cpu - since, now - then),
        cpu_average=_percent(cpu, now - row.started),
        memory=found.memory or 0,
        memory_limit=min(found.memory_limit or machine, machine),
        pids=found.pids or 0,
        block_read=found.block_read or 0,
        block_written=found.block_written or 0,
        interfaces=_interfaces(row.pid),
        cpu_kernel=found.cpu_kernel_nanoseconds or 0,
    )


def used(engine: Engine, row: Container) -> CgroupUsage:
    """What a running container uses, as its runtime says, or its cgroup."""
    said = engine.plugins.runtime(row.runtime).usage(row.id)
    if said is not None:
        return said
    return usage(layout(engine.settings.cgroup_manager), cgroups_path(engine, row))


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole > 0 else 0.0


def cgroups_path(engine: Engine, row: Container) -> str:
    """The `cgroupsPath` that a container was started with. Raises Corrupt."""
    from .exec import specification

    return str(specification(engine, row).get("linux", {}).get("cgroupsPath", ""))


def members(engine: Engine, row: Container) -> list[int]:
    """The processes of a running container: of its cgroups, else of its own pid namespace."""
    path = cgroups_path(engine, row)
    if path:
        return processes(layout(engine.settings.cgroup_manager), path)
    return in_namespace("pid", row.pid)


def _interfaces(pid: int) -> dict[str, Interface]:
    """The network of the process, proc(5) /proc/net/dev; {} when it has just ended."""
    try:
        with open(f"/proc/{pid}/net/dev", encoding="utf-8") as file:
            lines = file.read().splitlines()[2:]
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            continue
        numbers = [int(word) for word in counts.split()]
        found[name.strip()] = Interface(*numbers[:4], *numbers[8:12])
    return found
