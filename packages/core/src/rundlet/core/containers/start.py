"""A container is started: initialized, unless it is, and its process goes on."""

from __future__ import annotations

import time
from contextlib import ExitStack

from ..errors import NoSuchContainer, RuntimeFailed, WrongState
from ..state import containers as rows
from . import bundle, cleanup, joined, log_driver, notify, restart, sdnotify
from .health import timer
from .initialize import begin, make, note_not_created, startable
from .paths import Paths
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.monitor import Attached
    from ..engine import Engine
    from ..state.containers import Container
    from .attending import Attending
    from .initialize import Restoring


class Started:
    """A container that was started by us.

    attached: the connection to its streams, when asked for. attending: the lock that keeps
    the exit command waiting; the caller closes both.
    """

    def __init__(self, row: Container, attached: Attached | None, attending: Attending) -> None:
        self.row = row
        self.attached = attached
        self.attending = attending

    def close(self) -> None:
        if self.attached is not None:
            self.attached.close()
        self.attending.__exit__()


def start(
    engine: Engine,
    row: Container,
    *,
    attach: bool = False,
    console: tuple[int, int] = (0, 0),
    restarts: int = 0,
) -> Started:
    """Start a created or exited container.

    console: rows and columns of the caller's terminal, for the first size of the pty. restarts:
    how often it was started for its policy or its health.
    Raises WrongState when it runs, CommandNotFound, CommandNotExecutable, RuntimeFailed,
    NetworkError, and what the storage raises; the container is as before then.
    """
    joined.start_needed(engine, row)
    with engine.locks.hold("container", row.id):
        fresh = rows.by_id(engine.database, row.id)
        if fresh is None:
            raise NoSuchContainer(row.name)
        return start_held(engine, fresh, attach=attach, console=console, restarts=restarts)


def start_held(
    engine: Engine,
    row: Container,
    *,
    attach: bool = False,
    console: tuple[int, int] = (0, 0),
    restarts: int = 0,
    again: bool = False,
    restoring: Restoring | None = None,
) -> Started:
    """As `start`, for who holds the container's lock.

    restarts: how often that was for its policy or its health. again: for its policy, so that
    whoever stops it from now on still wins. restoring: from a checkpoint, not from the beginning.
    """
    row = startable(engine, row)
    if restoring is not None and row.status == "initialized":
        cleanup.release(engine, row)  # it waits at its beginning
        row = row.replace(status="created")
    paths = Paths(engine, row.id)
    if not again:
        restart.forget_stopped(paths)
    request = request_of(row.request)
    runtime = engine.plugins.runtime(row.runtime)
    warnings: tuple[str, ...] = ()
    actions = ["init", "start"] if restoring is None else ["start"]
    with ExitStack() as undo:
        attending = undo.enter_context(begin(engine, row, undo))
        if row.status == "initialized":
            actions.remove("init")
            undo.callback(note_not_created, engine, row)
            undo.callback(cleanup.release, engine, row)
        else:
            row, warnings = make(engine, row, request, console, undo, restoring)
        attached = None
        try:
            if attach and not log_driver.passes(engine, request):
                attached = runtime.monitor().attach(paths.bundle, row.id, terminal=request.terminal)
                undo.callback(attached.close)
                actions.append("attach")
            if restoring is None:
                with sdnotify.hidden(request):
                    runtime.start(row.id)
        except (WrongState, RuntimeFailed) as error:
            from .early_end import explained

            raise explained(row, request, error) from None
        row = _note_started(engine, row, restarts)
        undo.pop_all()
    sdnotify.started(request)
    bundle.warn(warnings)
    notify.events(engine, row, actions)
    timer.begin(engine, row, request)
    if notify.listeners(engine):
        engine.plugins.call("rundlet_container_started", container=notify.view(engine, row))
    return Started(row, attached, attending)


def _note_started(engine: Engine, row: Container, restarts: int) -> Container:
    now = time.time_ns()
    rows.update(engine.database, row.id, status="running", started=now, restarts=restarts)
    return row.replace(status="running", started=now, restarts=restarts)
