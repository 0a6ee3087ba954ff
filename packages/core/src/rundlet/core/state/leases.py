"""Leases: what is under way, and whose it is.

A blob or layer that is being made belongs to no image yet; its lease keeps the collector
of another process from it. A lease names its owner's process id and start time: that of a
dead process is garbage, which whoever collects next clears.
"""

from __future__ import annotations

import os
import time

from ..linux.processes import alive, start_time
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database


class Lease:
    """Things held by this process until `release`. May be used from several threads.

    Holding the same thing twice is holding it once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._token = os.urandom(16).hex()
        self._held = False

    def hold(self, kind: str, objects: Iterable[str]) -> None:
        """Hold some more things of a kind ("blob", "layer", "file"), in one transaction."""
        self._held = True
        pid = os.getpid()
        started, now = start_time(pid), time.time_ns()
        with self._database.transaction():
            for name in objects:
                self._database.execute(
                    "INSERT OR IGNORE INTO leases (id, kind, object, pid, pid_start, created)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    self._id(kind, name),
                    kind,
                    name,
                    pid,
                    started,
                    now,
                )

    def drop(self, kind: str, name: str) -> None:
        """Let one thing go; no error when it was not held."""
        self._database.execute("DELETE FROM leases WHERE id = ?", self._id(kind, name))

    def release(self) -> None:
        """Hold nothing any more. May be called again."""
        if self._held:
            self._held = False
            # A range of the primary key: ";" sorts right after ":".
            self._database.execute(
                "DELETE FROM leases WHERE id > ? AND id < ?", f"{self._token}:", f"{self._token};"
            )

    def _id(self, kind: str, name: str) -> str:
        return f"{self._token}:{kind}:{name}"


class Orphan(Value):
    """A lease whose owner is gone. kind, object: what was under way."""

    id: str
    kind: str
    object: str


def dead(database: Database) -> list[Orphan]:
    """The leases of processes that are gone."""
    living: dict[tuple[int, int], bool] = {}
    found = []
    for identity, kind, name, pid, started in database.rows(
        "SELECT id, kind, object, pid, pid_start FROM leases"
    ):
        if (pid, started) not in living:
            living[pid, started] = alive(pid, started)
        if not living[pid, started]:
            found.append(Orphan(identity, kind, name))
    return found


def forget(database: Database, orphan: Orphan) -> None:
    """Delete a dead lease, once what it names was cleared."""
    database.execute("DELETE FROM leases WHERE id = ?", orphan.id)


def held(database: Database, kind: str) -> set[str]:
    """The objects of a kind that a living process holds."""
    rows = database.rows("SELECT object, pid, pid_start FROM leases WHERE kind = ?", kind)
    return {name for name, pid, started in rows if alive(pid, started)}
