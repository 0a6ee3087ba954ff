"""Rows of containers and exec sessions. What they mean is the engine's business."""

from __future__ import annotations

import os

from ..errors import AlreadyExists, AmbiguousName, NoSuchContainer
from ..linux.processes import start_time
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .database import Database


class ContainerRow(Value):
    """What lists need of a container, without its JSON columns.

    status: the last one known, or as derived (containers/state.py). Times are in nanoseconds
    since the epoch, 0 for never. labels: JSON text. Defaults: of one that has not run yet.
    """

    id: str
    name: str
    pod: str | None
    image: str
    image_name: str
    layer: str
    storage: str
    runtime: str
    status: str
    pid: int
    pid_start: int
    monitor_pid: int = 0
    monitor_start: int = 0
    boot: str = ""
    exit_code: int = 0
    oom_killed: int = 0
    restarts: int = 0
    health: str = ""
    created: int = 0
    started: int = 0
    finished: int = 0
    command: str = ""
    ports: str = ""
    labels: str = "{}"
    auto_remove: int = 0


class Container(ContainerRow):
    """A whole row. request, network, extra: JSON text."""

    request: str = "{}"
    network: str = ""
    extra: str = "{}"


_LISTED = ", ".join(ContainerRow.__fields__)
_WHOLE = ", ".join(Container.__fields__)


def insert(database: Database, row: Container) -> None:
    """Add a row. Raises AlreadyExists, naming who has the name."""
    marks = ", ".join("?" * len(Container.__fields__))
    sql = f"INSERT OR IGNORE INTO containers ({_WHOLE}) VALUES ({marks})"
    values = row.as_dict()
    if database.execute(sql, *(values[name] for name in Container.__fields__)) == 0:
        raise taken(database, row.name)


def taken(database: Database, name: str) -> AlreadyExists:
    """The error for a name that another container has."""
    other = database.row("SELECT id FROM containers WHERE name = ?", name)
    return AlreadyExists(
        f'the container name "{name}" is already in use by {other[0] if other else "another one"}',
        remedy="You have to remove that container to be able to reuse that name:"
        " that name is already in use",
    )


def update(database: Database, container: str, **changes: Any) -> bool:
    """Change columns; whether the row was there."""
    columns = ", ".join(f"{name} = ?" for name in changes)
    sql = f"UPDATE containers SET {columns} WHERE id = ?"
    return database.execute(sql, *changes.values(), container) > 0


def note_stopping(database: Database, container: str, pid: int) -> None:
    """Write that a container, whose process is still that one, has been asked to end."""
    database.execute(
        "UPDATE containers SET status = 'stopping' WHERE id = ? AND pid = ? AND status = 'running'",
        container,
        pid,
    )


def delete(database: Database, container: str) -> bool:
    """Remove a row, with its exec sessions and volume references; whether it was there."""
    return database.execute("DELETE FROM containers WHERE id = ?", container) > 0


def by_id(database: Database, container: str) -> Container | None:
    """The container of a whole id."""
    row = database.row(f"SELECT {_WHOLE} FROM containers WHERE id = ?", container)
    return None if row is None else Container(*row)


def find(database: Database, name: str) -> Container:
    """The container of a name, an id or a unique beginning of an id.

    A whole name wins over an id's beginning; docker's /name is the name. Raises NoSuchContainer,
    AmbiguousName.
    """
    name = name.removeprefix("/")
    row = database.row(f"SELECT {_WHOLE} FROM containers WHERE name = ? OR id = ?", name, name)
    if row is not None:
        return Container(*row)
    if not name or set(name) - set("0123456789abcdef"):
        raise NoSuchContainer(name)
    # A range of the primary key; "g" sorts after all hexadecimal digits.
    rows = database.rows(
        f"SELECT {_WHOLE} FROM containers WHERE id >= ? AND id < ? LIMIT 2", name, name + "g"
    )
    if not rows:
        raise NoSuchContainer(name)
    if len(rows) > 1:
        raise AmbiguousName(
            f'more than one result for container name or ID "{name}"',
            remedy="give more digits of the id, or the name",
        )
    return Container(*rows[0])


EXTERNAL = "external"
"""The status of a working container of a build: it is stored, but never runs (`ps --external`)."""


def everything(database: Database) -> list[ContainerRow]:
    """All rows for lists, oldest first, without those not yet made and working containers."""
    sql = (
        f"SELECT {_LISTED} FROM containers WHERE status NOT IN ('creating', 'external')"
        " ORDER BY created, id"
    )
    return [ContainerRow(*row) for row in database.rows(sql)]


def requests_with(database: Database, text: str) -> list[tuple[str, str]]:
    """(id, request) of the containers, oldest first, whose request has a text in it."""
    sql = "SELECT id, request FROM containers WHERE instr(request, ?) > 0 ORDER BY created, id"
    return [(str(row[0]), str(row[1])) for row in database.rows(sql, text)]


def published(database: Database) -> str:
    """The ports that containers publish, running or not, each as `ps` prints it."""
    return ", ".join(
        str(row[0]) for row in database.rows("SELECT ports FROM containers WHERE ports != ''")
    )


def external(database: Database) -> list[Container]:
    """The working containers of builds, oldest first."""
    sql = f"SELECT {_WHOLE} FROM containers WHERE status = 'external' ORDER BY created, id"
    return [Container(*row) for row in database.rows(sql)]


def unfinished(database: Database) -> list[Container]:
    """Containers whose creation or removal was begun and has not ended."""
    sql = f"SELECT {_WHOLE} FROM containers WHERE status IN ('creating', 'removing')"
    return [Container(*row) for row in database.rows(sql)]


def transient_of_other_boots(database: Database, boot: str) -> list[Container]:
    """Containers of a transient store that a boot of the machine has ended."""
    sql = (
        f"SELECT {_WHOLE} FROM containers"
        " WHERE boot != ? AND instr(request, '\"transient\": true') > 0"
    )
    return [Container(*row) for row in database.rows(sql, boot)]


def add_volume(database: Database, container: str, volume: str, destination: str) -> None:
    """Note that a container uses a volume."""
    database.execute(
        "INSERT OR REPLACE INTO container_volumes (container, volume, destination)"
        " VALUES (?, ?, ?)",
        container,
        volume,
        destination,
    )


def drop_volume(database: Database, container: str, volume: str) -> None:
    """Note that a container does not use a volume any more."""
    database.execute(
        "DELETE FROM container_volumes WHERE container = ? AND volume = ?", container, volume
    )


def idle_volumes(database: Database, container: str) -> list[str]:
    """Volumes of a container that have options (and may be mounted), used by no other live one."""
    return [
        str(name)
        for (name,) in database.rows(
            "SELECT DISTINCT v.name FROM container_volumes u JOIN volumes v ON v.name = u.volume"
            " WHERE u.container = ? AND v.options != '{}' AND NOT EXISTS ("
            "  SELECT 1 FROM container_volumes o JOIN containers c ON c.id = o.container"
            "  WHERE o.volume = v.name AND c.id != u.container"
            "  AND c.status IN ('initialized', 'running', 'paused', 'stopping'))",
            container,
        )
    ]


def volumes(database: Database, container: str) -> list[tuple[str, str, bool]]:
    """(volume, destination, whether anonymous) of a container, by destination."""
    return [
        (volume, destination, bool(anonymous))
        for volume, destination, anonymous in database.rows(
            "SELECT volume, destination, anonymous FROM container_volumes"
            " JOIN volumes ON volumes.name = volume WHERE container = ? ORDER BY destination",
            container,
        )
    ]


# --- exec sessions


def add_session(database: Database, session: str, container: str, now: int, config: str) -> None:
    """Add a session that is about to start. config: JSON. Raises NoSuchContainer.

    Until its command's process is known it is this one's, with which it may end.
    """
    pid = os.getpid()
    done = database.execute(
        "INSERT INTO exec_sessions (id, container, pid, pid_start, created, config)"
        " SELECT ?, id, ?, ?, ?, ? FROM containers WHERE id = ?",
        session,
        pid,
        start_time(pid),
        now,
        config,
        container,
    )
    if not done:
        raise NoSuchContainer(container)


def update_session(database: Database, session: str, **changes: Any) -> None:
    """Change columns of a session."""
    columns = ", ".join(f"{name} = ?" for name in changes)
    database.execute(f"UPDATE exec_sessions SET {columns} WHERE id = ?", *changes.values(), session)


def delete_session(database: Database, session: str) -> None:
    """Forget a session."""
    database.execute("DELETE FROM exec_sessions WHERE id = ?", session)


def sessions(database: Database, container: str) -> list[tuple[str, int, int, int | None]]:
    """(id, pid, start time of pid, exit code or None) of a container's sessions."""
    return [
        (str(name), int(pid), int(started), code)
        for name, pid, started, code in database.rows(
            "SELECT id, pid, pid_start, exit_code FROM exec_sessions WHERE container = ?"
            " ORDER BY created",
            container,
        )
    ]
