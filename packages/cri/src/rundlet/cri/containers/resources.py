"""LinuxContainerResources in the engine's words."""

from __future__ import annotations

from typing import Any

from rundlet.core.containers.request import Resources

from ..proto import api_pb2 as cri


def limits(wanted: cri.LinuxContainerResources, before: Resources | None = None) -> dict[str, Any]:
    """The fields of Resources that it sets; 0 and "" are "not said" (proto3).

    before: what the container has; pages and keys of cgroup v2 that are not said stay.

    Without a swap limit, memory and swap together are what memory is: no swap, as with
    CRI-O and containerd. A CPU quota below 0 is none.
    """
    before = before or Resources()
    pages = {one.page_size: one.limit for one in wanted.hugepage_limits}
    found: dict[str, Any] = {
        "cpu_period": wanted.cpu_period,
        "cpu_quota": wanted.cpu_quota,
        "cpu_shares": wanted.cpu_shares,
        "memory": wanted.memory_limit_in_bytes,
        "memory_swap": wanted.memory_swap_limit_in_bytes or wanted.memory_limit_in_bytes,
        "cpuset_cpus": wanted.cpuset_cpus,
        "cpuset_mems": wanted.cpuset_mems,
        "hugepages": pages and {**before.hugepages, **pages},
        "unified": wanted.unified and {**before.unified, **wanted.unified},
    }
    return {name: value for name, value in found.items() if value}


def resources(wanted: cri.LinuxContainerResources) -> Resources:
    """For a new container. How many processes it may have is the pod's cgroup's business."""
    return Resources(pids_limit=0, **limits(wanted))


def message(found: Resources, oom_score_adj: int | None) -> cri.LinuxContainerResources:
    """What a container has, for its status."""
    return cri.LinuxContainerResources(
        cpu_period=found.cpu_period or 0,
        cpu_quota=found.cpu_quota or 0,
        cpu_shares=found.cpu_shares or 0,
        memory_limit_in_bytes=found.memory or 0,
        memory_swap_limit_in_bytes=found.memory_swap or 0,
        cpuset_cpus=found.cpuset_cpus,
        cpuset_mems=found.cpuset_mems,
        oom_score_adj=oom_score_adj or 0,
        hugepage_limits=[
            cri.HugepageLimit(page_size=size, limit=limit)
            for size, limit in found.hugepages.items()
        ],
        unified=dict(found.unified),
    )
