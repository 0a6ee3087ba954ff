"""Which cgroup hierarchies this machine has: v1, hybrid or unified (v2).

cgroups(7): v1 mounts a hierarchy per controller below /sys/fs/cgroup; "hybrid" is v1
with a cgroup2 hierarchy beside it that has no (or few) controllers; "unified" is one
cgroup2 hierarchy. Everything is read from mountinfo, so that tests give fake trees.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Version = Literal["v1", "hybrid", "unified"]

# Options of a v1 cgroup mount that are not names of controllers (cgroups(7)).
_FLAGS = frozenset(("rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "none"))

MANAGERS = ("cgroupfs", "systemd")

_MOUNTINFO = "/proc/self/mountinfo"
_here: tuple[dict[str, str], str] | None = None


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


def layout(
    manager: str = "",
    *,
    mountinfo: str = _MOUNTINFO,
    run: str = "/run",
) -> CgroupLayout:
    """Find out the layout.

    manager: the configured manager; see `choose_manager`. mountinfo, run: where to look (tests).
    """
    manager = choose_manager(manager, run)
    mounts, unified = hierarchies() if mountinfo == _MOUNTINFO else _hierarchies(mountinfo)
    if not any(not name.startswith("name=") for name in mounts):
        return CgroupLayout("unified", _unified_controllers(unified), EMPTY, unified, manager)
    # On a hybrid machine runtimes use the v1 hierarchies alone: what else cgroup2 has is no help.
    controllers = tuple(sorted(name for name in mounts if not name.startswith("name=")))
    return CgroupLayout("hybrid" if unified else "v1", controllers, mounts, unified, manager)


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


def hierarchies() -> tuple[dict[str, str], str]:
    """Mount points of this machine's v1 hierarchies by controller, and of the cgroup2 one or "".

    They are looked for once: a machine with containers has as many mounts.
    """
    global _here
    if _here is None:
        _here = _hierarchies(_MOUNTINFO)
    return _here


def _hierarchies(mountinfo: str) -> tuple[dict[str, str], str]:
    mounts: dict[str, str] = {}
    unified = ""
    with open(mountinfo, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            if " - cgroup" not in line:
                continue
            left, _, right = line.partition(" - ")
            kind, _, options = right.split(" ", 2)
            point = _unescape(left.split(" ")[4])
            if kind == "cgroup2":
                unified = unified or point
            elif kind == "cgroup":
                for name in options.strip().split(","):
                    if name not in _FLAGS and not name.startswith("release_agent="):
                        mounts.setdefault(name, point)
    return mounts, unified


def _unescape(field: str) -> str:
    """Undo the octal escapes of mountinfo (proc(5)): space, tab, newline, backslash."""
    if "\\" not in field:
        return field
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _unified_controllers(unified: str) -> tuple[str, ...]:
    if not unified:
        return ()
    try:
        with open(f"{unified}/cgroup.controllers", encoding="utf-8") as file:
            return tuple(sorted(file.read().split()))
    except OSError:
        return ()
