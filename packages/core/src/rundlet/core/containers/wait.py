"""Waiting for a condition of a container, woken by the kernel."""

from __future__ import annotations

import os
import select

from ..errors import InvalidArgument
from ..state import containers as rows
from . import ending
from .paths import Paths
from .state import LIVE, UNKNOWN_EXIT, derive, exit_status, has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container

# podman-wait(1) --condition, and our states that each one is true for.
CONDITIONS = {
    "configured": ("created",),
    "created": ("created", "initialized"),
    "initialized": ("initialized",),
    "exited": ("exited",),
    "stopped": ("exited",),
    "stopping": ("stopping",),
    "running": ("running",),
    "paused": ("paused",),
    "removing": ("removing",),
    "unknown": (),
}
HEALTHS = ("healthy", "unhealthy")
"""Conditions that are not states of the container but of its healthcheck."""


def wait(engine: Engine, row: Container, conditions: tuple[str, ...]) -> int:
    """Wait until one condition holds; the exit code of an exited container, else -1.

    row: as stored. Its process may have ended a moment ago, and its code not be written yet.
    A container that is removed meanwhile has exited. Raises InvalidArgument.
    """
    wanted: set[str] = set()
    for name in conditions:
        if name not in CONDITIONS and name not in HEALTHS:
            raise InvalidArgument(f"invalid container status {name!r}")
        wanted.update(CONDITIONS.get(name, (name,)))
    if wanted == {"exited"}:
        # podman: a container that does not run is not waited for, also one never started.
        # One that is being removed may have ended only now, so that its row has no code yet.
        noted = row.status not in (*LIVE, "removing")
        return row.exit_code if noted else _exit(engine, row)
    return _changes(engine, row, wanted)


def _exit(engine: Engine, row: Container) -> int:
    ending.wait_process(row)
    ending.wait_exit_file(engine, row)
    code, _ = exit_status(Paths(engine, row.id))
    if code != UNKNOWN_EXIT:
        return code
    now = rows.by_id(engine.database, row.id)
    if now is None or has_process(now):  # removed, or started again for its policy
        return _told(engine, row.id)
    return derive(engine, now).exit_code


def _told(engine: Engine, container: str) -> int:
    """The exit code of a removed container, from its last event."""
    from .. import json

    found = engine.database.row(
        "SELECT attributes FROM events WHERE id = ? AND action = 'died'"
        " ORDER BY sequence DESC LIMIT 1",
        container,
    )
    return int(json.loads(found[0])["containerExitCode"]) if found else UNKNOWN_EXIT


def _changes(engine: Engine, row: Container, wanted: set[str]) -> int:
    """Look again whenever the state file was written to, or the process ended."""
    from ..linux.inotify import IN_MODIFY, Watch

    with Watch(f"{engine.database.path}-wal", IN_MODIFY) as watch:
        while True:
            found = rows.by_id(engine.database, row.id)
            if found is None:
                return _told(engine, row.id)
            now = derive(engine, found)
            if now.status in wanted or now.health in wanted:
                return now.exit_code if now.status == "exited" else -1
            _sleep(now, watch.fileno())
            watch.drain()


def _sleep(row: Container, changed: int) -> None:
    poll = select.poll()
    poll.register(changed, select.POLLIN)
    process = -1
    if has_process(row):
        try:
            process = os.pidfd_open(row.pid)
            poll.register(process, select.POLLIN)
        except ProcessLookupError:
            return
    try:
        poll.poll()
    finally:
        if process >= 0:
            os.close(process)
