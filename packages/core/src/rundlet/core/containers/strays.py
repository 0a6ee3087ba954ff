"""Processes of no known starter: a monitor nobody knows of, what is in the cgroup, containers
whose state is lost.
"""

from __future__ import annotations

import os
import time

from ..cgroups.container import cgroups_path, processes, remove
from ..cgroups.layout import layout
from ..linux.processes import start_time
from .paths import Paths
from .state import has_monitor
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..cgroups.layout import CgroupLayout
    from ..engine import Engine
    from ..state.containers import Container


_ID = 64  # digits of an id


def end_monitors(engine: Engine, row: Container) -> None:
    """End a monitor that would make the container after we removed it.

    One whose starter was killed between spawning it and noting it is found by its command
    line; only then is /proc searched.
    """
    paths = Paths(engine, row.id)
    if has_monitor(row) or not os.path.exists(paths.live) or row.pid:
        return
    # It becomes a daemon by forking once: one look may come between a child that it does not
    # know of yet and a parent that has just ended. Two in a row cannot.
    unseen = 0
    while unseen < 2:
        found = _monitors(row.id)
        unseen = 0 if found else unseen + 1
        for pid in found:
            _kill(pid)
        time.sleep(0.002)
    clear_cgroup(engine, row)


def end_lost(engine: Engine, container: str) -> None:
    """End what runs of a container that has no row: the state was lost, or put aside."""
    from ..errors import RundletError

    for pid in _monitors(container):
        _kill(pid)
    for name in _names(f"{engine.settings.run_root}/oci"):
        if os.path.isdir(f"{engine.settings.run_root}/oci/{name}/{container}"):
            try:
                engine.plugins.runtime(name).delete(container, force=True)
            except RundletError:
                continue  # not one of its containers, or it is gone already


def lost(engine: Engine) -> list[str]:
    """Names of what each runtime has, known or not."""
    base = f"{engine.settings.run_root}/oci"
    found = {one for name in _names(base) for one in _names(f"{base}/{name}")}
    return sorted(one for one in found if len(one) == _ID)


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _monitors(container: str) -> list[int]:
    wanted = container.encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if b"--cuuid" in words and wanted in words and start_time(int(name)):
            found.append(int(name))
    return found


def _kill(pid: int) -> None:
    """SIGKILL; nothing happens when it is gone."""
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass


def in_cgroup(engine: Engine, row: Container) -> list[int]:
    """Processes in the container's cgroup."""
    here = layout(engine.settings.cgroup_manager)
    return processes(here, _path(engine, here, row))


def clear_cgroup(engine: Engine, row: Container) -> None:
    """End what is left in the container's cgroup, and remove that."""
    here = layout(engine.settings.cgroup_manager)
    path = _path(engine, here, row)
    for pid in processes(here, path):
        _kill(pid)
    remove(here, path)


def leave_split(engine: Engine, row: Container) -> None:
    """Remove what a runtime made above the cgroup of a container with `--cgroups=split`."""
    from ..cgroups import split

    here = layout(engine.settings.cgroup_manager)
    if path := _path(engine, here, row):
        split.leave(here, path)


def _path(engine: Engine, here: CgroupLayout, row: Container) -> str:
    """Where the container's cgroup is; "" if that is nowhere yet."""
    request = request_of(row.request)
    if request.cgroups != "split":
        return cgroups_path(here, row.id, request.cgroup_parent)
    from .stats import cgroups_path as written

    try:
        return written(engine, row)
    except FileNotFoundError:  # it never got as far as to a bundle
        return ""
