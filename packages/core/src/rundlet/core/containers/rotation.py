"""Rotation of a log by size and count (`--log-opt max-size`, `max-file`), with no line lost.

conmon alone can only begin its file anew, and drops the old one. So a process per such
container (companion.py) watches the size, renames the file, and tells conmon to open a new
one: until it has, it writes to the renamed one. The process ends with the container's.
"""

from __future__ import annotations

import os
import select
import sys

from . import companion
from .log_files import name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container

_REST = 100  # milliseconds between two looks at a log that is being written


def begin(engine: Engine, row: Container, size: int, count: int, path: str) -> None:
    """Watch the log of a container that was just created, from before its first line."""
    companion.begin(__name__, engine, row, str(size), str(count), path)


def main() -> int:
    """Watch until the process in argv has ended; the exit code."""
    from ..linux.inotify import IN_CREATE, IN_MODIFY, IN_MOVED_TO, Watch

    root, runroot, container, pid, started, size, count, path = sys.argv[1:9]
    process = companion.process(pid, started)
    if process < 0:
        return 0
    ended, changed = select.poll(), select.poll()
    ended.register(process, select.POLLIN)
    changed.register(process, select.POLLIN)
    with Watch(os.path.dirname(path), IN_MODIFY | IN_CREATE | IN_MOVED_TO) as watch:
        changed.register(watch.fileno(), select.POLLIN)
        while not ended.poll(_REST):
            watch.drain()
            if _too_long(path, int(size)):
                shift(path, int(count))
                _in_a_fork(root, runroot, container)
            elif any(descriptor == process for descriptor, _ in changed.poll()):
                return 0
    return 0


def _too_long(path: str, size: int) -> bool:
    try:
        return os.stat(path).st_size >= size
    except FileNotFoundError:
        return False  # conmon has not opened the new one yet


def shift(path: str, count: int) -> None:
    """Make room for a new file; of `count` files the oldest is dropped."""
    for number in range(count - 1, 0, -1):
        try:
            os.rename(name(path, number - 1), name(path, number))
        except FileNotFoundError:
            continue


def _in_a_fork(root: str, runroot: str, container: str) -> None:
    """Tell the monitor, in a child, so that what watches stays small."""
    child = os.fork()
    if child == 0:
        try:
            _tell(root, runroot, container)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _tell(root: str, runroot: str, container: str) -> None:
    from ..errors import RundletError
    from . import helpers
    from .paths import Paths

    try:
        with helpers.engine(root, runroot) as engine:
            row = engine.containers.get(container)
            monitor = engine.plugins.runtime(row.runtime).monitor()
            monitor.reopen_log(Paths(engine, row.id).bundle, row.id)
    except RundletError:
        return  # it has just ended: conmon has written all to the file that was renamed
