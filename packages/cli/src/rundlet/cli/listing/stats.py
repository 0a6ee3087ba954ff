"""A measurement of a container as the fields of `stats`."""

from __future__ import annotations

from rundlet.core.containers.stats import Interface, Stats
from rundlet.core.format.go import Map
from rundlet.core.format.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.state.containers import ContainerRow

HEADINGS = {
    "ID": "ID",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemUsageBytes": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET IO",
    "BlockIO": "BLOCK IO",
    "PIDS": "PIDS",
    "UpTime": "CPU TIME",
    "AVGCPU": "AVG CPU %",
}
TABLE = (
    "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}"
    "\t{{.BlockIO}}\t{{.PIDS}}\t{{.UpTime}}\t{{.AVGCPU}}"
)
_EMPTY = "--"


def fields(row: ContainerRow, stats: Stats | None, *, whole: bool = False) -> dict[str, Any]:
    """What a template may name; "--" and zeros for a container that does not run."""
    measured = stats or Stats(time=0)
    raw = measurement(row, measured)
    found = {
        **raw,
        "ContainerStats": raw,
        "ID": row.id if whole else row.id[:12],
        "CPUPerc": f"{measured.cpu_percent:.2f}%",
        "AVGCPU": f"{measured.cpu_average:.2f}%",
        "MemUsage": _pair(measured.memory, measured.memory_limit),
        "MemUsageBytes": f"{_binary(measured.memory)} / {_binary(measured.memory_limit)}",
        "MemPerc": f"{measured.memory_percent:.2f}%",
        "NetIO": _pair(measured.received, measured.sent),
        "BlockIO": _pair(measured.block_read, measured.block_written),
        "PIDS": str(measured.pids),
        "Up": go_duration(measured.cpu),
        "UpTime": go_duration(measured.cpu),
    }
    if stats is None:
        found |= dict.fromkeys((*(name for name in HEADINGS if name != "ID"), "Up"), _EMPTY)
    return found


def measurement(row: ContainerRow, stats: Stats) -> dict[str, Any]:
    """podman's struct ContainerStats: numbers, full precision (times in ns, sizes in bytes)."""
    return {
        "AvgCPU": stats.cpu_average,
        "ContainerID": row.id,
        "Name": row.name,
        "CPU": stats.cpu_percent,
        "CPUNano": stats.cpu,
        "CPUSystemNano": stats.cpu_kernel,
        "SystemNano": stats.time,
        "MemUsage": stats.memory,
        "MemLimit": stats.memory_limit,
        "MemPerc": stats.memory_percent,
        "Network": Map({name: _interface(one) for name, one in stats.interfaces.items()}),
        "NetInput": stats.received,
        "NetOutput": stats.sent,
        "BlockInput": stats.block_read,
        "BlockOutput": stats.block_written,
        "PIDs": stats.pids,
        "UpTime": stats.cpu,
        "Duration": stats.cpu,
    }


def _interface(one: Interface) -> dict[str, int]:
    return {
        "RxBytes": one.received,
        "RxDropped": one.received_dropped,
        "RxErrors": one.received_errors,
        "RxPackets": one.received_packets,
        "TxBytes": one.sent,
        "TxDropped": one.sent_dropped,
        "TxErrors": one.sent_errors,
        "TxPackets": one.sent_packets,
    }


def document(row: ContainerRow, stats: Stats | None) -> dict[str, str]:
    """One element of `stats --format json`."""
    found = fields(row, stats)
    names = {
        "id": "ID",
        "name": "Name",
        "cpu_time": "UpTime",
        "cpu_percent": "CPUPerc",
        "avg_cpu": "AVGCPU",
        "mem_usage": "MemUsage",
        "mem_percent": "MemPerc",
        "net_io": "NetIO",
        "block_io": "BlockIO",
        "pids": "PIDS",
    }
    return {key: found[name] for key, name in names.items()}


def _pair(one: int, other: int) -> str:
    return f"{_decimal(one)} / {_decimal(other)}"


def _decimal(count: int) -> str:
    return size(count, 4).replace(" ", "")


def _binary(count: int) -> str:
    from rundlet.core.format.units import binary_size

    return binary_size(count)


def go_duration(nanoseconds: int) -> str:
    """A time as Go prints a Duration: 8.8ms, 1.5s, 2m3.4s, 1h0m0.5s."""
    if nanoseconds < 1000:
        return f"{nanoseconds}ns" if nanoseconds else "0s"
    for unit, factor in (("µs", 10**3), ("ms", 10**6)):
        if nanoseconds < factor * 1000:
            return f"{_decimals(nanoseconds, factor)}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimals(rest, 10**9)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _decimals(value: int, factor: int) -> str:
    whole, fraction = divmod(value, factor)
    digits = f"{fraction:0{len(str(factor)) - 1}}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
