"""Paying for a move between cgroups ahead of time.

The first write to any `cgroup.procs` waits for an RCU grace period, 8 to 16 ms with HZ=250;
those of the next 15 ms do not (`cgroup_threadgroup_rwsem`: kernel/locking/percpu-rwsem.c,
kernel/rcu/sync.c). A runtime writes there in the middle of its work, when everybody waits for
it. So we write first, a word that changes nothing, while we still have other things to do.
"""

from __future__ import annotations

import os
from _thread import start_new_thread

_ITSELF = b"0"  # cgroups(7): the process that writes


def pay_ahead() -> None:
    """Have a process moved soon; returns at once. What cannot be paid now is paid later."""
    start_new_thread(_move_nowhere, ())


def _move_nowhere() -> None:
    """Move this process to the cgroup in which it is."""
    try:
        descriptor = os.open(f"{_own()}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, _ITSELF)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return


def _own() -> str:
    """The directory of our cgroup in some hierarchy. Raises OSError, ValueError."""
    from .layout import hierarchies

    mounts, unified = hierarchies()
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            _, names, path = line.rstrip("\n").split(":", 2)
            point = mounts.get(names.partition(",")[0], "") if names else unified
            if point:
                return point + path
    raise ValueError("no cgroup")
