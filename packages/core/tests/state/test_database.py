"""The state file: several processes, migrations, damage, kills."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from rundlet.core.errors import NoSpace, StoreError
from rundlet.core.linux import syscalls
from rundlet.core.state import database as module
from rundlet.core.state.database import Database

NEXT = module.SCHEMA_VERSION + 1


def python(script: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_made_when_missing_and_found_again(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a" / "b"))
    database.execute("INSERT INTO settings VALUES ('x', 'y')")
    database.close()
    again = Database(str(tmp_path / "a" / "b"))
    assert again.row("SELECT value FROM settings") == ("y",)
    assert again.row("PRAGMA journal_mode") == ("wal",)
    assert again.row("PRAGMA foreign_keys") == (1,)
    assert again.row("PRAGMA synchronous") == (1,)  # NORMAL: a power cut does not tear the file
    again.close()


OPEN_AND_COUNT = """
import sys
from rundlet.core.state.database import Database
database = Database(sys.argv[1])
for number in range(50):
    with database.transaction():
        found = database.row("SELECT value FROM settings WHERE name = 'count'")
        database.execute("INSERT OR REPLACE INTO settings VALUES ('count', ?)",
                         str(int(found[0]) + 1 if found else 1))
"""


def test_processes_at_once_open_migrate_and_write(tmp_path: Path) -> None:
    """All meet an empty directory at the same time; no change is lost."""
    running = [python(OPEN_AND_COUNT, str(tmp_path / "root")) for _ in range(8)]
    for process in running:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert Database(str(tmp_path / "root")).row("SELECT value FROM settings") == ("400",)


def test_threads_each_have_a_connection(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                with database.transaction():
                    found = database.row("SELECT count(*) FROM events")
                    assert found is not None
                    database.execute(
                        "INSERT INTO events (time, kind, action, id) VALUES (?, '', '', '')",
                        found[0],
                    )
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [row[0] for row in database.rows("SELECT time FROM events")] == list(range(120))
    database.close()


def test_readers_see_a_snapshot_and_do_not_wait(tmp_path: Path) -> None:
    writer, reader = Database(str(tmp_path)), Database(str(tmp_path))
    with writer.transaction():
        writer.execute("INSERT INTO settings VALUES ('x', 'y')")
        begun = time.monotonic()
        assert reader.rows("SELECT * FROM settings") == []
        assert time.monotonic() - begun < 5  # a writer is waited for much longer
    assert reader.rows("SELECT * FROM settings") == [("x", "y")]


def test_transactions_nest_and_roll_back_whole(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    with pytest.raises(ZeroDivisionError), database.transaction():
        database.execute("INSERT INTO settings VALUES ('a', '')")
        with database.transaction():
            database.execute("INSERT INTO settings VALUES ('b', '')")
        raise ZeroDivisionError
    assert database.rows("SELECT * FROM settings") == []


def _open_at(gate: Barrier, path: str) -> None:
    gate.wait()
    Database(path).close()


def test_processes_that_make_it_at_once(tmp_path: Path) -> None:
    """A new file was "locked" for some, or its directory missing."""
    fork = multiprocessing.get_context("fork")
    for number in range(40):
        gate = fork.Barrier(4)
        words = (gate, str(tmp_path / str(number) / "root"))
        running = [fork.Process(target=_open_at, args=words) for _ in range(4)]
        for process in running:
            process.start()
        for process in running:
            process.join()
        assert [process.exitcode for process in running] == [0, 0, 0, 0]


def test_images_of_the_first_schema_are_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCHEMA_VERSION", 1)
    database = Database(str(tmp_path))
    database.execute(
        "INSERT INTO images (id, manifest, manifest_type, created, added, size)"
        " VALUES ('a', 'b', 'c', 1, 1, 1)"
    )
    database.close()
    monkeypatch.undo()
    assert Database(str(tmp_path)).rows("SELECT id, store FROM images") == [("a", "")]


def test_an_old_schema_migrates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(str(tmp_path / "root")).close()
    steps = tmp_path / "migrations"
    steps.mkdir()
    (steps / f"{NEXT:04}.sql").write_text(
        "CREATE TABLE added (x TEXT DEFAULT ';') STRICT; -- two; on one line\n"
        "INSERT INTO added VALUES ('kept');\n"
    )
    monkeypatch.setattr(module, "SCHEMA_VERSION", NEXT)
    monkeypatch.setattr(module, "_MIGRATIONS", str(steps))
    migrated = Database(str(tmp_path / "root"))
    assert migrated.rows("SELECT x FROM added") == [("kept",)]
    assert migrated.row("PRAGMA user_version") == (NEXT,)


def test_a_failed_migration_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(str(tmp_path / "root")).close()
    steps = tmp_path / "migrations"
    steps.mkdir()
    (steps / f"{NEXT:04}.sql").write_text("CREATE TABLE added (x TEXT);\nCREATE nonsense;\n")
    monkeypatch.setattr(module, "SCHEMA_VERSION", NEXT)
    monkeypatch.setattr(module, "_MIGRATIONS", str(steps))
    with pytest.raises(StoreError):
        Database(str(tmp_path / "root"))
    monkeypatch.setattr(module, "SCHEMA_VERSION", NEXT - 1)
    database = Database(str(tmp_path / "root"))
    assert database.rows("SELECT name FROM sqlite_schema WHERE name = 'added'") == []


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreError, match=r"schema 99, newer[\s\S]*Upgrade rundlet"):
        Database(str(tmp_path))


@pytest.mark.parametrize("damage", ["not a database", "torn"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    database = Database(str(tmp_path))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    path = tmp_path / "state.db"
    data = path.read_bytes()
    path.write_bytes(b"x" * 8192 if damage == "not a database" else data[: len(data) // 3])
    with pytest.raises(StoreError, match=r"state\.db[\s\S]*damaged"):
        Database(str(tmp_path)).rows("SELECT * FROM images")


def test_a_read_only_root_is_named(tmp_path: Path) -> None:
    root = tmp_path / "root"
    Database(str(root)).close()
    script = """
import sys
from rundlet.core.linux import syscalls
from rundlet.core.state.database import Database
syscalls.unshare(syscalls.CLONE_NEWNS)
syscalls.mount("", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
syscalls.mount(sys.argv[1], sys.argv[1], "", syscalls.MS_BIND)
syscalls.mount("", sys.argv[1], "", syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY)
from rundlet.core.errors import StoreError
for action in (lambda d: d.rows("SELECT * FROM images"),
               lambda d: d.execute("INSERT INTO settings VALUES ('x', 'y')")):
    try:
        action(Database(sys.argv[1] + sys.argv[2]))
        print("worked")
    except StoreError as error:
        print(error)
"""
    assert syscalls.MS_BIND
    process = python(script, str(root), "")
    out, err = process.communicate()
    assert err == b""
    reading, *writing = out.decode().splitlines()
    assert reading == "worked"
    assert "cannot use the state file" in "\n".join(writing) and "--root" in "\n".join(writing)
    out, err = python(script, str(root), "/new").communicate()
    assert b"cannot make the graph root" in out and err == b""


def test_a_full_disk_is_no_space(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    pages = database.row("PRAGMA page_count")
    assert pages is not None
    database.execute(f"PRAGMA max_page_count={pages[0]}")
    with pytest.raises(NoSpace), database.transaction():
        for number in range(1000):
            database.execute("INSERT INTO settings VALUES (?, ?)", str(number), "x" * 1000)
    assert database.rows("SELECT * FROM settings") == []


def test_constraints_are_the_callers_business(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO image_names VALUES ('a', 'no such image', 0)")


WRITE_FOREVER = """
import sys
from rundlet.core.state.database import Database
database = Database(sys.argv[1])
number = 0
print("ready", flush=True)
while True:
    with database.transaction():
        database.execute("INSERT INTO settings VALUES (?, ?)", f"{number} a", "x" * 300)
        database.execute("INSERT INTO settings VALUES (?, ?)", f"{number} b", "x" * 300)
    number += 1
"""


def test_a_killed_writer_leaves_whole_transactions(tmp_path: Path) -> None:
    for attempt in range(5):
        process = python(WRITE_FOREVER, str(tmp_path / str(attempt)))
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.01 + 0.007 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        database = Database(str(tmp_path / str(attempt)))
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        names = [row[0] for row in database.rows("SELECT name FROM settings")]
        assert len(names) % 2 == 0 and len(names) > 0
        database.execute("INSERT INTO settings VALUES ('after', '')")
        database.close()


END = """
import os, sys
from rundlet.core import Engine
engine = Engine(root=sys.argv[1] + "/root", runroot=sys.argv[1] + "/run")
engine.database.execute("INSERT INTO settings VALUES ('x', 'y')")
getattr(engine, sys.argv[2])
engine.close(ending=True)
os._exit(0)
"""


@pytest.mark.parametrize(("part", "stays"), [("containers", True), ("images", False)])
def test_a_command_on_containers_leaves_its_log_to_the_next(
    tmp_path: Path, part: str, stays: bool
) -> None:
    """Its checkpoint would wait for the disk four times; stores of images are read as they are."""
    assert python(END, str(tmp_path), part).communicate() == (b"", b"")
    assert (tmp_path / "root/state.db-wal").exists() == stays
    database = Database(str(tmp_path / "root"))
    assert database.rows("SELECT value FROM settings WHERE name = 'x'") == [("y",)]
    database.close()
    assert not (tmp_path / "root/state.db-wal").exists()


def test_what_a_command_wrote_is_on_the_disk_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(str(tmp_path)).close()
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fdatasync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}"))
    )
    readers, writers = Database(str(tmp_path)), Database(str(tmp_path))
    readers.rows("SELECT * FROM settings")
    writers.execute("INSERT INTO settings VALUES ('x', 'y')")
    readers.leave()
    assert synced == []
    writers.leave()
    assert synced == [f"{tmp_path}/state.db-wal"]


def test_an_emptied_file_is_not_taken_for_a_new_store(tmp_path: Path) -> None:
    Database(str(tmp_path)).close()
    (tmp_path / "state.db").write_bytes(b"")
    Database(str(tmp_path)).close()  # of a store that has nothing: a kill at its birth
    (tmp_path / "containers" / "c").mkdir(parents=True)
    (tmp_path / "state.db").write_bytes(b"")
    with pytest.raises(StoreError, match="is empty"):
        Database(str(tmp_path)).rows("SELECT 1")
    (tmp_path / "state.db").unlink()  # put aside: one begins anew
    Database(str(tmp_path)).close()
