"""A measurement of a container as the fields of `stats`."""

from __future__ import annotations

from rundlet.core.format.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.containers.stats import Stats
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
_NUMBERS = ("CPUNano", "SystemNano", "MemLimit", "NetInput", "NetOutput", "BlockInput",
            "BlockOutput")  # fmt: skip


def fields(row: ContainerRow, stats: Stats | None, *, whole: bool = False) -> dict[str, Any]:
    """What a template may name; "--" for a container that does not run."""
    found: dict[str, Any] = {
        "ID": row.id if whole else row.id[:12],
        "ContainerID": row.id,
        "Name": row.name,
    }
    if stats is None:
        nothing = dict.fromkeys(_NUMBERS, 0)
        return {**found, **nothing, **{name: _EMPTY for name in HEADINGS if name != "ID"}}
    return {
        **found,
        "CPUPerc": f"{stats.cpu_percent:.2f}%",
        "AVGCPU": f"{stats.cpu_average:.2f}%",
        "MemUsage": _pair(stats.memory, stats.memory_limit),
        "MemUsageBytes": f"{_binary(stats.memory)} / {_binary(stats.memory_limit)}",
        "MemPerc": f"{stats.memory_percent:.2f}%",
        "NetIO": _pair(stats.received, stats.sent),
        "BlockIO": _pair(stats.block_read, stats.block_written),
        "PIDS": str(stats.pids),
        "UpTime": go_duration(stats.cpu),
        "CPUNano": stats.cpu,
        "SystemNano": stats.time,
        "MemLimit": stats.memory_limit,
        "NetInput": stats.received,
        "NetOutput": stats.sent,
        "BlockInput": stats.block_read,
        "BlockOutput": stats.block_written,
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
