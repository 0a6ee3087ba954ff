"""The one state file: opening, migrating, reading and writing it.

WAL mode: readers take no lock and see one consistent snapshot; writers queue for
`BUSY_TIMEOUT` seconds. `synchronous=NORMAL`: a killed process loses nothing; a power
cut may lose the last commits but never tears the file (sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager

from ..errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FILE_NAME = "state.db"
BUSY_TIMEOUT = 30.0
SCHEMA_VERSION = 1
_MIGRATIONS = os.path.join(os.path.dirname(__file__), "migrations")


class Database:
    """A connection to the state below a graph root; made on construction if it is not there.

    Not shared between threads: each thread opens its own (`Database.again`).
    """

    def __init__(self, graph_root: str) -> None:
        self.graph_root = graph_root
        self.path = os.path.join(graph_root, FILE_NAME)
        try:
            self._connection = self._open()
            self._migrate()
        except sqlite3.Error as error:
            raise StoreError(f"cannot use the state file {self.path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError:
            os.makedirs(self.graph_root, mode=0o711, exist_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        version = self._version()
        if version == SCHEMA_VERSION:
            return
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} has schema {version}, newer than this release's {SCHEMA_VERSION}",
                remedy="Upgrade rundlet, or use another --root.",
            )
        # The exclusive lock comes first: several processes may find an old schema at once.
        self._connection.execute("BEGIN EXCLUSIVE")
        try:
            for step in range(self._version() + 1, SCHEMA_VERSION + 1):
                with open(os.path.join(_MIGRATIONS, f"{step:04}.sql"), encoding="utf-8") as file:
                    for statement in _statements(file.read()):
                        self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={step}")
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def again(self) -> Database:
        """Another connection to the same file, for another thread."""
        return Database(self.graph_root)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        result: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return result

    def execute(self, sql: str, *values: Any) -> int:
        """Run one changing statement; returns how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none. Nested ones join the outer one."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def _statements(script: str) -> Iterator[str]:
    """Split a migration into statements (executescript would commit in between)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
