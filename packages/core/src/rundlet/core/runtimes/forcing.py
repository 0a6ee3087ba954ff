"""What `delete --force` of the runc family leaves undone: wake, kill, forget the state."""

from __future__ import annotations

import os

from . import messages
from .answers import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..linux.processes import Finished
    from .family import RuncFamily

_SIGKILL = 9  # `signal` imports enum


def force(runtime: RuncFamily, container: str, first: Finished) -> None:
    """Delete a container whose `delete --force` failed with `first`. Raises RuntimeFailed."""
    known = runtime.try_state(container)
    if known is not None and known.status == "paused":
        runtime.call("resume", container)
    if known is not None and known.pid > 0:
        _kill(known.pid)
    done = runtime.call("delete", "--force", container)
    if done.code == 0 or not runtime.knows(container):
        return
    if known is not None:
        raise messages.failure(runtime.name, text_of(first), "delete")
    _forget(str(runtime.config.root), container)  # its state file is damaged


def _kill(pid: int) -> None:
    try:
        os.kill(pid, _SIGKILL)
    except ProcessLookupError:
        pass


def _forget(root: str, container: str) -> None:
    """Remove a container's directory of the runtime's root."""
    from ..archive.remove import remove_tree

    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_tree(os.fsencode(container), directory)
    finally:
        os.close(directory)
