"""A container's own cgroups: their path, what they use, and clearing away what is left."""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import CgroupLayout

DEFAULT_PARENT = "/rundlet"
DEFAULT_SLICE = "machine.slice"

SUBGROUP = "container"
"""The cgroup that crun makes in a scope of systemd (crun(1), run.oci.systemd.subgroup)."""


class CgroupUsage(Value):
    """What a container uses now; None: not accounted.

    memory, block_*: bytes. pids: processes. cpu, and what of it the kernel took: since the
    container started.
    """

    memory: int | None = None
    memory_limit: int | None = None
    pids: int | None = None
    cpu_nanoseconds: int | None = None
    block_read: int | None = None
    block_written: int | None = None
    cpu_kernel_nanoseconds: int | None = None


def cgroups_path(layout: CgroupLayout, container: str, parent: str = "") -> str:
    """The `linux.cgroupsPath` of a container's spec (runtime-spec config-linux.md#cgroups-path).

    With cgroupfs an absolute path below `parent` (default /rundlet); with systemd
    "slice:rundlet:ID", which the runtime makes the unit rundlet-ID.scope of.
    Raises InvalidArgument for a parent that does not fit the manager, as podman does.
    """
    if layout.manager == "systemd":
        parent = os.path.basename(parent) if parent.endswith(".slice") else parent
        if parent and not parent.endswith(".slice"):
            raise InvalidArgument(
                f"cgroup parent {parent!r} is not a systemd slice",
                remedy="with the systemd cgroup manager it must end in .slice",
            )
        return f"{parent or DEFAULT_SLICE}:rundlet:{container}"
    if parent.endswith(".slice"):
        raise InvalidArgument(
            f"cgroup parent {parent!r} is a systemd slice, but the cgroup manager is cgroupfs"
        )
    if ".." in parent.split("/"):
        raise InvalidArgument(f"cgroup parent {parent!r} must not contain '..'")
    return f"{_absolute(parent) if parent else DEFAULT_PARENT}/ctr-{container}"


def directories(layout: CgroupLayout, path: str) -> dict[str, str]:
    """The directory of a `cgroupsPath` in each hierarchy: by v1 controller, "" for cgroup2.

    They need not exist. A container without cgroups has the path "", and none.
    """
    if not path:
        return {}
    relative = relative_path(path)
    found = {name: f"{point}{relative}" for name, point in layout.mounts.items()}
    if layout.unified:
        found[""] = f"{layout.unified}{relative}"
    return found


def relative_path(path: str) -> str:
    """Where a `cgroupsPath` is below the mount point of a hierarchy."""
    return _scope_path(path) if ":" in path else path


def usage(layout: CgroupLayout, path: str) -> CgroupUsage:
    """Read what the container at a `cgroupsPath` uses now."""
    where = directories(layout, path)
    if layout.version == "unified":
        base = where.get("", "")
        return CgroupUsage(
            _number(f"{base}/memory.current"),
            _limit(base, "memory.max"),
            _number(f"{base}/pids.current"),
            _cpu_unified(f"{base}/cpu.stat", "usage_usec"),
            *_block_unified(f"{base}/io.stat"),
            _cpu_unified(f"{base}/cpu.stat", "system_usec"),
        )
    memory = where.get("memory", "")
    return CgroupUsage(
        _number(f"{memory}/memory.usage_in_bytes"),
        _limit(memory, "memory.limit_in_bytes"),
        _number(f"{where.get('pids', '')}/pids.current"),
        _number(f"{where.get('cpuacct', '')}/cpuacct.usage"),
        *_block_v1(f"{where.get('blkio', '')}/blkio.throttle.io_service_bytes"),
        _number(f"{where.get('cpuacct', '')}/cpuacct.usage_sys"),
    )


def processes(layout: CgroupLayout, path: str) -> list[int]:
    """Ids of all processes below a `cgroupsPath`, in any hierarchy, without repeats."""
    found: set[int] = set()
    for directory in set(directories(layout, path).values()):
        for where, _, files in os.walk(directory):
            if "cgroup.procs" in files:
                found.update(_pids(f"{where}/cgroup.procs"))
    return sorted(found)


def remove(layout: CgroupLayout, path: str) -> None:
    """Remove cgroup directories, and those below, where a killed runtime left them.

    path: a `cgroupsPath`, or a parent of such when its last container is gone.
    Those with processes in them stay (the kernel refuses); gone ones are no error.
    """
    for directory in set(directories(layout, path).values()):
        for where, _, _ in os.walk(directory, topdown=False):
            try:
                os.rmdir(where)
            except OSError:
                continue


def _absolute(parent: str) -> str:
    return "/" + parent.strip("/")


def _scope_path(path: str) -> str:
    """Where systemd puts "slice:prefix:name": a-b.slice lies below a.slice (systemd.slice(5))."""
    slice_name, prefix, name = path.split(":", 2)
    parts = slice_name.removesuffix(".slice").split("-")
    parents = ["-".join(parts[: n + 1]) + ".slice" for n in range(len(parts))]
    unit = name if name.endswith(".slice") else f"{prefix}-{name}.scope"
    return "/" + "/".join([*parents, unit])


def _number(path: str) -> int | None:
    """A number of a cgroup file; None for "max" and for what is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _limit(directory: str, name: str) -> int | None:
    """The number that holds for a container: its cgroup's, or its runtime's below."""
    found = (_number(f"{where}/{name}") for where in (directory, f"{directory}/{SUBGROUP}"))
    return min((number for number in found if number is not None), default=None)


def _cpu_unified(path: str, key: str) -> int | None:
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(f"{key} "):
                    return int(line.split()[1]) * 1000
    except OSError:
        pass
    return None


def _block_unified(path: str) -> tuple[int | None, int | None]:
    """Lines "8:0 rbytes=1 wbytes=2 rios=3 ..." (cgroup-v2.rst, io.stat), summed."""
    lines = _lines(path)
    if lines is None:
        return None, None
    pairs = [word.partition("=") for line in lines for word in line.split()[1:]]
    read = sum(int(value) for key, _, value in pairs if key == "rbytes")
    written = sum(int(value) for key, _, value in pairs if key == "wbytes")
    return read, written


def _block_v1(path: str) -> tuple[int | None, int | None]:
    """Lines "8:0 Read 1" (cgroup-v1/blkio-controller.rst), summed."""
    lines = _lines(path)
    if lines is None:
        return None, None
    words = [line.split() for line in lines if line.count(" ") == 2]
    read = sum(int(count) for _, kind, count in words if kind == "Read")
    written = sum(int(count) for _, kind, count in words if kind == "Write")
    return read, written


def _lines(path: str) -> list[str] | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return None


def _pids(path: str) -> list[int]:
    try:
        with open(path, encoding="utf-8") as file:
            return [int(line) for line in file]
    except OSError:
        return []
