"""Containers that were never finished: every `create` and `run` looks for them first.

What removes them is imported only when there are any.
"""

from __future__ import annotations

from ..errors import Busy, RundletError
from ..linux.processes import start_time
from ..state import containers as rows
from .state import boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


def await_removal(engine: Engine, name: str) -> bool:
    """Wait for the end of a container whose removal was begun; False where none has this name.

    Who had begun it may have been killed, and another be at it now, as its exit command.
    """
    going = next((row for row in rows.unfinished(engine.database) if row.name == name), None)
    if going is None or going.status != "removing":
        return False
    with engine.locks.hold("container", going.id):
        pass
    collect(engine)
    return True


def collect(engine: Engine) -> None:
    """Remove containers whose creator or remover was killed before it was done, and those of a
    transient store that a boot has ended.
    """
    ended = rows.transient_of_other_boots(engine.database, boot_id())
    for row in (*rows.unfinished(engine.database), *ended):
        owner_lives = row.boot == boot_id() and start_time(row.pid) == row.pid_start != 0
        if row.status == "creating" and owner_lives:
            continue
        try:
            with engine.locks.hold("container", row.id, timeout=0):
                fresh = rows.by_id(engine.database, row.id)
                if fresh is not None and (fresh.status, fresh.boot) == (row.status, row.boot):
                    from .remove import discard, release

                    release(engine, fresh, force=True)
                    discard(engine, fresh)
        except (Busy, RundletError, OSError):
            continue  # somebody is at it, or it will be tried again
