"""Limits: memory, cpu, pids, block IO."""

from __future__ import annotations

from rundlet.core.containers.request import Resources
from rundlet.core.errors import InvalidArgument
from rundlet.core.format.units import parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Parsed


def resources(arguments: Parsed) -> Resources:
    """The limits asked for. Raises InvalidArgument for values that contradict each other."""
    limits = Resources(
        **_limits(arguments),
        oom_kill_disable=arguments.flag("oom-kill-disable"),
        device_cgroup_rules=arguments.texts("device-cgroup-rule"),
        unified=_unified(arguments),
    )
    swap = limits.memory_swap
    if swap is not None and swap >= 0 and limits.memory is None:
        raise InvalidArgument("--memory-swap needs --memory")
    if swap is not None and limits.memory is not None and 0 <= swap < limits.memory:
        raise InvalidArgument("--memory-swap must be larger than --memory")
    reserved = limits.memory_reservation
    if reserved is not None and limits.memory is not None and 0 < limits.memory < reserved:
        raise InvalidArgument("the memory reservation cannot be larger than the memory limit")
    if limits.cpus and (limits.cpu_period or limits.cpu_quota):
        raise InvalidArgument("--cpus and --cpu-period or --cpu-quota cannot be set together")
    return limits


def changes(arguments: Parsed) -> dict[str, Any]:
    """The fields of Resources that were given (`update`)."""
    given = {name.replace("-", "_") for name in arguments.given}
    return {key: value for key, value in _limits(arguments).items() if key in given}


def _limits(arguments: Parsed) -> dict[str, Any]:
    """The limits that `run`, `create` and `update` share; each field is named as its option."""
    cpus, weight = arguments.values["cpus"], arguments.text("blkio-weight")
    return {
        "memory": _size(arguments, "memory"),
        "memory_reservation": _size(arguments, "memory-reservation"),
        "memory_swap": _size(arguments, "memory-swap"),
        "memory_swappiness": _unless(arguments.number("memory-swappiness"), -1),
        "cpus": float(cpus) if cpus else None,
        "cpu_period": arguments.number("cpu-period"),
        "cpu_quota": arguments.number("cpu-quota"),
        "cpu_shares": arguments.number("cpu-shares"),
        "cpu_rt_period": arguments.number("cpu-rt-period"),
        "cpu_rt_runtime": arguments.number("cpu-rt-runtime"),
        "cpuset_cpus": arguments.text("cpuset-cpus"),
        "cpuset_mems": arguments.text("cpuset-mems"),
        "pids_limit": arguments.number("pids-limit"),
        "blkio_weight": int(weight) if weight.isdecimal() else None,
        "blkio_weight_device": arguments.texts("blkio-weight-device"),
        "device_read_bps": arguments.texts("device-read-bps"),
        "device_write_bps": arguments.texts("device-write-bps"),
        "device_read_iops": arguments.texts("device-read-iops"),
        "device_write_iops": arguments.texts("device-write-iops"),
    }


def _size(arguments: Parsed, name: str) -> int | None:
    text = arguments.text(name)
    return parse_size(text) if text else None


def _unless(value: int | None, none: int) -> int | None:
    return None if value == none else value


def _unified(arguments: Parsed) -> dict[str, str]:
    from .environment import key_values

    return key_values(arguments.texts("cgroup-conf"), "cgroup-conf")
