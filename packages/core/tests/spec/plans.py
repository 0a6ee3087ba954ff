"""Machines that a spec is made for, and what is in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rundlet.core.cgroups.layout import CgroupLayout
from rundlet.core.spec.capabilities import ALL
from rundlet.core.spec.generate import SpecPlan
from rundlet.core.spec.host import Host

CONTROLLERS = ("blkio", "cpu", "cpuset", "hugetlb", "io", "memory", "pids")
V1 = CgroupLayout("v1", CONTROLLERS, {name: f"/nowhere/{name}" for name in CONTROLLERS})
V2 = CgroupLayout("unified", CONTROLLERS, {}, "/nowhere")
BARE = CgroupLayout("v1", (), {"devices": "/nowhere/devices"})
FULL = Host(rlimits={"NOFILE": (1024, 4096), "NPROC": (1000, 1000)})
WEAK = FULL.replace(effective=tuple(c for c in ALL if c != "CAP_SYS_RESOURCE"))
Make = Callable[..., SpecPlan]


def at(spec: dict[str, Any], path: str) -> Any:
    """ "linux.resources.pids.limit" -> the value; a missing key is None."""
    value: Any = spec
    for key in path.split("."):
        if value is None:
            return None
        value = value[int(key)] if isinstance(value, list) else value.get(key)
    return value


def mount(spec: dict[str, Any], destination: str) -> dict[str, Any]:
    found = [m for m in spec["mounts"] if m["destination"] == destination]
    assert len(found) == 1, f"{destination}: {len(found)} mounts"
    return dict(found[0])


def variables(spec: dict[str, Any]) -> dict[str, str]:
    return dict(text.split("=", 1) for text in spec["process"]["env"])
