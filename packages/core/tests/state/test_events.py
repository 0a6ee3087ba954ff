"""Events and leases in the state."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rundlet.core.state import events, leases
from rundlet.core.state.database import Database
from rundlet.core.views import Event


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(str(tmp_path))


def test_events_come_back_in_order_and_between_times(database: Database) -> None:
    for number in range(3):
        events.record(
            database, Event("image", "pull", f"id{number}", "n", 100 + number, {"a": "b"})
        )
    assert [e.id for e in events.between(database)] == ["id0", "id1", "id2"]
    assert [e.id for e in events.between(database, since=101, until=101)] == ["id1"]
    assert events.between(database)[0].attributes == {"a": "b"}


def test_followers_get_what_came_after(database: Database) -> None:
    events.note(database, "image", "pull", "one")
    before = events.last(database)
    events.note(database, "image", "remove", "two")
    assert [(s, e.id) for s, e in events.after(database, before)] == [(before + 1, "two")]


def test_an_event_goes_with_its_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        events.note(database, "image", "pull", "one")
        raise RuntimeError
    assert events.between(database) == []


def test_old_events_are_dropped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST", 5)
    monkeypatch.setattr(events, "_TRIM_EVERY", 10)
    for number in range(20):
        events.note(database, "image", "pull", str(number))
    assert [e.id for e in events.between(database)] == ["15", "16", "17", "18", "19"]


def test_leases_are_held_until_released(database: Database) -> None:
    lease = leases.Lease(database)
    lease.hold("blob", ["a", "b"])
    lease.hold("layer", ["c"])
    assert leases.held(database, "blob") == {"a", "b"}
    assert leases.dead(database) == []
    lease.release()
    assert leases.held(database, "blob") == leases.held(database, "layer") == set()


def test_leases_of_dead_processes_are_garbage(database: Database) -> None:
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    database.execute("INSERT INTO leases VALUES ('x', 'blob', 'gone', ?, 12345, 0)", child.pid)
    database.execute("INSERT INTO leases VALUES ('y', 'blob', 'reused', ?, 1, 0)", os.getpid())
    mine = leases.Lease(database)
    mine.hold("blob", ["mine", "mine"])
    assert leases.held(database, "blob") == {"mine"}
    orphans = leases.dead(database)
    assert sorted(orphan.object for orphan in orphans) == ["gone", "reused"]
    for orphan in orphans:
        leases.forget(database, orphan)
    mine.drop("blob", "mine")
    assert database.rows("SELECT * FROM leases") == []
