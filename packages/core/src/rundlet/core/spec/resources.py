"""Limits: `linux.resources` from --memory, --cpus and their kin, as far as this machine can."""

from __future__ import annotations

import os
import stat

from ..cgroups.limits import PERIOD
from ..errors import InvalidArgument
from .devices import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..containers.request import Resources
    from .plan import SpecPlan

_LEAST_MEMORY = 512 * 1024  # what crun takes; runc wants some MB, and says so


def resources(plan: SpecPlan, warnings: list[str]) -> dict[str, Any]:
    """The `linux.resources` object; limits without a controller are left out, with a warning."""
    limits = plan.request.resources
    cpuset, cpu = _cpuset(limits), _cpu(plan, limits, warnings)
    found: dict[str, Any] = {"devices": rules(plan)}
    memory = _possible(plan, "memory", ("memory",), _memory(plan, limits, warnings), warnings)
    cpu = _possible(plan, "cpu", ("cpu",), cpu, warnings)
    cpuset = _possible(plan, "cpuset", ("cpuset",), cpuset, warnings)
    block = _possible(plan, "block I/O", ("blkio", "io"), _block_io(limits), warnings)
    huge = _possible(plan, "huge page", ("hugetlb",), _hugepages(limits), warnings)
    asked = warnings if limits.pids_limit is not None else []  # no warning for the default
    pids = _possible(plan, "pids", ("pids",), _pids(plan, limits), asked)
    parts = {
        "memory": memory,
        "cpu": {**cpu, **cpuset},
        "pids": pids,
        "blockIO": block,
        "hugepageLimits": [{"pageSize": size, "limit": limit} for size, limit in huge.items()],
    }
    found.update({key: value for key, value in parts.items() if value})
    if limits.unified:
        if plan.layout.version != "unified":
            raise InvalidArgument("--cgroup-conf needs cgroups v2", remedy="this machine has v1")
        found["unified"] = dict(limits.unified)
    return found


def _possible(
    plan: SpecPlan,
    what: str,
    controllers: tuple[str, ...],
    value: dict[str, Any],
    warnings: list[str],
) -> dict[str, Any]:
    """The value, or nothing and a warning where no controller of this machine can do it."""
    if not value or any(plan.layout.has(name) for name in controllers):
        return value
    names = " or ".join(controllers)
    warnings.append(f"{what} limits are ignored: this machine has no {names} cgroup controller")
    return {}


def _memory(plan: SpecPlan, limits: Resources, warnings: list[str]) -> dict[str, Any]:
    """podman: swap (memory plus swap) is twice the memory unless said; -1 is no limit."""
    found: dict[str, Any] = {}
    memory, swap = limits.memory or None, limits.memory_swap or None
    if memory is not None:
        if 0 < memory < _LEAST_MEMORY:
            raise InvalidArgument(f"--memory {memory}: the minimum is {_LEAST_MEMORY} bytes")
        found["limit"] = memory
    if swap is not None and memory is None:
        raise InvalidArgument("--memory-swap needs --memory as well")
    if swap is not None and memory is not None and 0 < swap < memory:
        raise InvalidArgument("--memory-swap must be larger than --memory: it counts both")
    if memory is not None and memory > 0:
        if _accounts_swap(plan):
            found["swap"] = memory * 2 if swap is None else swap
        elif swap not in (None, -1):
            warnings.append("memory-swap is ignored: this kernel does not account swap")
    if limits.memory_reservation:
        found["reservation"] = limits.memory_reservation
    return {**found, **_swapping(plan, limits, warnings)}


def _swapping(plan: SpecPlan, limits: Resources, warnings: list[str]) -> dict[str, Any]:
    """What only cgroups v1 can set: how readily it swaps, and that nothing is killed for memory."""
    found: dict[str, Any] = {}
    if limits.memory_swappiness is not None and limits.memory_swappiness >= 0:
        if limits.memory_swappiness > 100:
            raise InvalidArgument("--memory-swappiness must be from 0 to 100")
        if plan.layout.version == "unified":
            warnings.append("memory-swappiness is ignored: cgroups v2 has no such limit")
        else:
            found["swappiness"] = limits.memory_swappiness
    if limits.oom_kill_disable:
        if plan.layout.version == "unified":
            warnings.append("oom-kill-disable is ignored: cgroups v2 has no such setting")
        else:
            found["disableOOMKiller"] = True
    return found


def _accounts_swap(plan: SpecPlan) -> bool:
    """v1: the memsw files are there only with swap accounting; v2: runtimes look themselves."""
    point = plan.layout.mounts.get("memory")
    return point is None or os.path.exists(f"{point}/memory.memsw.limit_in_bytes")


def _cpu(plan: SpecPlan, limits: Resources, warnings: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if limits.cpus:
        if limits.cpu_period or limits.cpu_quota:
            raise InvalidArgument("--cpus cannot be set together with --cpu-period or --cpu-quota")
        if limits.cpus < 0:
            raise InvalidArgument(f"--cpus {limits.cpus}: must be positive")
        found["period"] = PERIOD
        found["quota"] = max(1000, int(limits.cpus * PERIOD))  # the kernel's least is 1 ms
    said = {"period": limits.cpu_period, "quota": limits.cpu_quota, "shares": limits.cpu_shares}
    found.update({key: value for key, value in said.items() if value})
    realtime = {
        "realtimePeriod": limits.cpu_rt_period,
        "realtimeRuntime": limits.cpu_rt_runtime,
    }
    realtime = {key: value for key, value in realtime.items() if value}
    if realtime and plan.layout.version == "unified":
        warnings.append("realtime cpu limits are ignored: cgroups v2 has none")
        realtime = {}
    return {**found, **realtime}


def _cpuset(limits: Resources) -> dict[str, str]:
    said = {"cpus": limits.cpuset_cpus, "mems": limits.cpuset_mems}
    return {key: value for key, value in said.items() if value}


def _pids(plan: SpecPlan, limits: Resources) -> dict[str, int]:
    """0 and -1 are no limit (podman-run(1) --pids-limit); none said is the settings' 2048."""
    limit = plan.settings.pids_limit if limits.pids_limit is None else limits.pids_limit
    if limit > 0:
        return {"limit": limit}
    return {}


def _block_io(limits: Resources) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if limits.blkio_weight:
        if not 10 <= limits.blkio_weight <= 1000:
            raise InvalidArgument("--blkio-weight must be from 10 to 1000")
        found["weight"] = limits.blkio_weight
    for key, texts, name in (
        ("weightDevice", limits.blkio_weight_device, "weight"),
        ("throttleReadBpsDevice", limits.device_read_bps, "rate"),
        ("throttleWriteBpsDevice", limits.device_write_bps, "rate"),
        ("throttleReadIOPSDevice", limits.device_read_iops, "rate"),
        ("throttleWriteIOPSDevice", limits.device_write_iops, "rate"),
    ):
        if texts:
            found[key] = [_throttle(text, name) for text in texts]
    return found


def _throttle(text: str, name: str) -> dict[str, int]:
    """ "/dev/sda:1mb" as an OCI entry: the device by number."""
    path, _, value = text.rpartition(":")
    if not path:
        raise InvalidArgument(f"bad format: {text}", remedy="give DEVICE:NUMBER[UNIT]")
    try:
        found = os.stat(path)
    except OSError as error:
        raise InvalidArgument(f"{text}: {path}: {error.strerror}") from None
    if not stat.S_ISBLK(found.st_mode):
        raise InvalidArgument(f"{text}: {path} is not a block device")
    return {
        "major": os.major(found.st_rdev),
        "minor": os.minor(found.st_rdev),
        name: _amount(value, text),
    }


def _amount(text: str, whole: str) -> int:
    """A weight or rate: "500", "1mb"."""
    from ..format.units import parse_size

    found = parse_size(text) if text[:1].isdecimal() else -1
    if found < 0:
        raise InvalidArgument(f"{whole}: {text!r} is no size")
    return found


def _hugepages(limits: Resources) -> dict[str, int]:
    return dict(limits.hugepages)
