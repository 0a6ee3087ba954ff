"""Which cgroup hierarchies this machine has: v1, hybrid or unified (v2).

cgroups(7): v1 mounts a hierarchy per controller below /sys/fs/cgroup; "hybrid" is v1
with a cgroup2 hierarchy beside it that has no (or few) controllers; "unified" is one
cgroup2 hierarchy. Everything is read from mountinfo, so that tests give fake trees.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from ..linux.mounts import OURS, mounts
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Version = Literal["v1", "hybrid", "unified"]

# Options of a v1 cgroup mount that are not names of controllers (cgroups(7)).
_FLAGS = frozenset(("rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "none"))

MANAGERS = ("cgroupfs", "systemd")

_hierarchies: dict[str, tuple[Mapping[str, str], str]] = {}


class CgroupLayout(Value):
    """The hierarchies of this machine.

    version: "v1", "hybrid" or "unified".
    controllers: those that containers can be limited by, sorted.
    mounts: v1 controller (or "name=...") to its mount point; empty when unified.
    unified: mount point of the cgroup2 hierarchy, or "".
    manager: "cgroupfs" or "systemd": who makes cgroups for the runtime.
    """

    version: Version
    controllers: tuple[str, ...] = ()
    mounts: Mapping[str, str] = EMPTY
    unified: str = ""
    manager: str = "cgroupfs"

    def has(self, controller: str) -> bool:
        """Whether containers can be limited by a controller ("memory", "io", ...)."""
        return controller in self.controllers


def layout(manager: str = "", *, mountinfo: str = OURS, run: str = "/run") -> CgroupLayout:
    """Find out the layout.

    manager: the configured manager; see `choose_manager`. mountinfo, run: where to look (tests).
    """
    manager = choose_manager(manager, run)
    points, unified = hierarchies(mountinfo)
    # On a hybrid machine runtimes use the v1 hierarchies alone: what else cgroup2 has is no help.
    controllers = tuple(sorted(name for name in points if not name.startswith("name=")))
    if not controllers:
        return CgroupLayout("unified", _unified_controllers(unified), EMPTY, unified, manager)
    return CgroupLayout("hybrid" if unified else "v1", controllers, points, unified, manager)


def choose_manager(wanted: str = "", run: str = "/run") -> str:
    """The cgroup manager: `wanted`, or with "" what this machine has.

    systemd where it is the init system (sd_booted(3)) and the bus on which runtimes ask it
    for a scope is there; else cgroupfs. Raises InvalidArgument for an unknown one.
    """
    if wanted and wanted not in MANAGERS:
        raise InvalidArgument(
            f"cgroup manager {wanted!r} is not known", remedy="use cgroupfs or systemd"
        )
    if wanted:
        return wanted
    booted = os.path.isdir(f"{run}/systemd/system")
    return "systemd" if booted and os.path.exists(f"{run}/dbus/system_bus_socket") else "cgroupfs"


def hierarchies(mountinfo: str = OURS) -> tuple[Mapping[str, str], str]:
    """Mount points of the v1 hierarchies by controller, and of the cgroup2 one or "".

    A table is read once by a process: hierarchies are mounted when a machine starts.
    """
    if mountinfo not in _hierarchies:
        _hierarchies[mountinfo] = _read(mountinfo)
    return _hierarchies[mountinfo]


def _read(mountinfo: str) -> tuple[Mapping[str, str], str]:
    points: dict[str, str] = {}
    unified = ""
    for mount in mounts("cgroup", mountinfo):
        if mount.kind == "cgroup2":
            unified = unified or mount.point
            continue
        for name in mount.options.split(","):
            if name not in _FLAGS and not name.startswith("release_agent="):
                points.setdefault(name, mount.point)
    return points, unified


def _unified_controllers(unified: str) -> tuple[str, ...]:
    if not unified:
        return ()
    try:
        with open(f"{unified}/cgroup.controllers", encoding="utf-8") as file:
            return tuple(sorted(file.read().split()))
    except OSError:
        return ()
