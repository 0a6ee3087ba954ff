"""Commands in running containers whose waiter was killed: nobody reads them or ends them in time.

`exec.collect` notes no session. What it leaves is a directory, whose path the runtime's `exec`
has on its command line; sessions, which are noted, go on without a client.
"""

from __future__ import annotations

import os

from ..linux.processes import start_time
from ..monitor.collect import kill_tree
from ..state import containers as rows
from .paths import Paths
from .trees import remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


def end_commands(engine: Engine, container: str) -> None:
    """End those of a container. Its caller knows that nobody is collecting output now."""
    base = f"{Paths(engine, container).run}/exec"
    try:
        names = os.listdir(base)
    except FileNotFoundError:
        return
    noted = {session for session, *_ in rows.sessions(engine.database, container)}
    for name in set(names) - noted:
        for process in _runtimes(f"{base}/{name}/"):
            kill_tree(process)
        remove_tree(f"{base}/{name}")


def _runtimes(directory: str) -> list[int]:
    """Processes with a path below a directory on their command line."""
    wanted = os.fsencode(directory)
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdecimal():
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                if any(word.startswith(wanted) for word in words) and start_time(int(name)):
                    found.append(int(name))
        except OSError:
            continue  # it has just ended
    return found
