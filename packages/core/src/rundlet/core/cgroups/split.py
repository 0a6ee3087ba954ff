"""The current cgroup split in two: `--cgroups=split` (podman-run(1)), for units of systemd.

Below CGROUP, in which we are, `runtime` gets all that is in it now, ourselves and the monitor that
we start included, and `libpod-payload-ID` is the container's: podman's names, which tools look for.
cgroup2 wants it so: what has processes of its own can limit none below (cgroups(7)).

Who starts again finds itself in CGROUP/runtime, the exit command above all, and means CGROUP.
"""

from __future__ import annotations

import os
from errno import EBUSY

from ..errors import NotSupported
from .container import directories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import CgroupLayout

OURS = "/proc/self/cgroup"
_RUNTIME = "/runtime"
_ROUNDS = 20  # of moving: who is moved may fork meanwhile


def payload(layout: CgroupLayout, container: str, *, table: str = OURS) -> str:
    """The `linux.cgroupsPath` of a container; table: where we are (proc(5) /proc/PID/cgroup).

    It is a path for whichever manager. Raises NotSupported in the root cgroup.
    """
    return f"{_current(layout, table)}/libpod-payload-{container}"


def enter(layout: CgroupLayout, *, table: str = OURS) -> None:
    """Move all that is in our cgroup to its `runtime`, in every hierarchy that has it.

    Raises NotSupported in the root cgroup, and where the kernel refuses. In cgroups v1, where
    nothing depends on the move, a hierarchy that refuses is left as it is.
    """
    current = _current(layout, table)
    for where in _ours(layout, current, table):
        try:
            _move(where)
        except OSError as error:
            if layout.version == "unified":
                raise NotSupported(
                    f"--cgroups=split: cgroup {current} cannot be split: {error.strerror}"
                ) from error


def leave(layout: CgroupLayout, path: str) -> None:
    """Remove the parents that a runtime made for a `payload`, where we are in other cgroups.

    In cgroups v1 it needs the path in each hierarchy. Where that was split it stays.
    """
    parent = os.path.dirname(path)
    for where in set(directories(layout, parent).values()):
        directory, left = where, parent
        while left.strip("/") and not os.path.exists(f"{directory}{_RUNTIME}"):
            try:
                os.rmdir(directory)
            except OSError:
                break
            directory, left = os.path.dirname(directory), os.path.dirname(left)


def _current(layout: CgroupLayout, table: str) -> str:
    """The cgroup that is to be split: of v1's, where there may be several, the deepest."""
    wanted = "" if layout.version == "unified" else None
    paths = [path for name, path in _places(table) if name == wanted or (name and wanted is None)]
    deepest = max(paths, key=len, default="").removesuffix(_RUNTIME)
    if deepest in ("", "/"):
        raise NotSupported(
            "--cgroups=split: this process is in the root cgroup, which cannot be split",
            remedy="use it in a unit of systemd, or another cgroup",
        )
    return deepest


def _ours(layout: CgroupLayout, current: str, table: str) -> set[str]:
    """The directories of `current` where it is our own cgroup."""
    known = directories(layout, current)
    return {
        known[name]
        for names, path in _places(table)
        for name in names.split(",")
        if name in known and path == current
    }


def _places(table: str) -> list[tuple[str, str]]:
    """(controllers, path) of each hierarchy, in which cgroup2 has no controllers."""
    with open(table, encoding="utf-8", errors="surrogateescape") as lines:
        words = [line.rstrip("\n").split(":", 2) for line in lines]
    return [(names, path) for _, names, path in words]


def _move(where: str) -> None:
    os.makedirs(f"{where}{_RUNTIME}", exist_ok=True)
    for _ in range(_ROUNDS):
        with open(f"{where}/cgroup.procs", encoding="ascii") as file:
            found = file.read().split()
        if not found:
            return
        for pid in found:
            try:
                with open(f"{where}{_RUNTIME}/cgroup.procs", "w", encoding="ascii") as file:
                    file.write(pid)
            except ProcessLookupError:  # it has ended
                continue
    raise OSError(EBUSY, "processes are still being started in it")
