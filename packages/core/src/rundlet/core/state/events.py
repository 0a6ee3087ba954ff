"""Events: what `rundlet events` shows, kept in the state, and told to the hooks."""

from __future__ import annotations

import sys
import time

from .. import json
from ..errors import NoSpace, StoreError
from ..views import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..plugins.manager import Plugins
    from .database import Database

_COLUMNS = "time, kind, action, id, name, attributes"
# Rows that are kept: an event is looked for in hours, and the table must not grow for ever.
_MOST = 100_000
_TRIM_EVERY = 1000


def record(database: Database, event: Event, plugins: Plugins | None = None) -> Event:
    """Write an event, and call the hook `rundlet_event` on all listeners of `plugins`.

    With the events backend `none` the hook alone is called. The time is now unless it is given.
    Joins a transaction that is open, so that an event is there exactly when the change it tells
    of is. Without one, what it tells of is done: that it cannot be written is a warning, as
    podman's.
    """
    if not event.time:
        event = event.replace(time=time.time_ns())
    if plugins is not None and plugins.settings.events_backend == "none":
        plugins.call("rundlet_event", event=event)
        return event
    try:
        _write(database, event)
    except (NoSpace, StoreError) as error:
        if database.in_transaction:
            raise
        sys.stderr.write(f"WARN[0000] event {event.kind} {event.action}: {error.message}\n")
    if plugins is not None:
        plugins.call("rundlet_event", event=event)
    return event


def _write(database: Database, event: Event) -> None:
    database.execute(
        f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        event.time,
        event.kind,
        event.action,
        event.id,
        event.name,
        json.dumps(dict(event.attributes)) if event.attributes else "{}",
    )
    _trim(database)


def note(
    database: Database,
    kind: str,
    action: str,
    identity: str,
    name: str = "",
    attributes: Mapping[str, str] | None = None,
    plugins: Plugins | None = None,
) -> Event:
    """`record` for an event that is happening now."""
    return record(database, Event(kind, action, identity, name, 0, attributes or {}), plugins)


def between(database: Database, since: int = 0, until: int = 0) -> list[Event]:
    """Events from `since` to `until` (nanoseconds since the epoch, 0: no bound), oldest first."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM events WHERE time >= ? AND (? = 0 OR time <= ?) ORDER BY sequence",
        since,
        until,
        until,
    )
    return [_event(row) for row in rows]


def after(database: Database, sequence: int, since: int = 0) -> list[tuple[int, Event]]:
    """(sequence, event) of what came after a sequence number and not before a time."""
    rows = database.rows(
        f"SELECT sequence, {_COLUMNS} FROM events WHERE sequence > ? AND time >= ?"
        " ORDER BY sequence",
        sequence,
        since,
    )
    return [(row[0], _event(row[1:])) for row in rows]


def follow(database: Database, sequence: int, since: int = 0, until: int = 0) -> Iterator[Event]:
    """Events after a sequence number, then as they happen.

    since, until: nanoseconds since the epoch, 0: no bound.

    Every process writes to the log file beside the state, which is watched.
    """
    from ..linux.inotify import IN_MODIFY, Watch
    from ..linux.processes import readable

    with Watch(database.graph_root, IN_MODIFY) as watch:
        while True:
            for number, event in after(database, sequence, since):
                sequence = number
                if until and event.time > until:
                    return
                yield event
            left = (until - time.time_ns()) / 1e9 if until else None
            if left is not None and left <= 0:
                return
            if readable([watch.fileno()], left):
                watch.drain()


def last(database: Database) -> int:
    """The newest sequence number, 0 when there is none."""
    row = database.row("SELECT max(sequence) FROM events")
    return int(row[0] or 0) if row else 0


def _event(row: tuple[Any, ...]) -> Event:
    when, kind, action, identity, name, attributes = row
    return Event(kind, action, identity, name, when, json.loads(attributes))


def _trim(database: Database) -> None:
    newest = last(database)
    if newest % _TRIM_EVERY == 0:
        database.execute("DELETE FROM events WHERE sequence <= ?", newest - _MOST)
