"""Bringing the state file to a schema: the steps that it lacks, in files of SQL."""

from __future__ import annotations

import _sqlite3 as sqlite3
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def apply(connection: sqlite3.Connection, directory: str, last: int) -> None:
    """Take all steps that are missing up to `last` (`directory`/NNNN.sql each), or none."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in range(version + 1, last + 1):
            with open(os.path.join(directory, f"{step:04}.sql"), encoding="utf-8") as file:
                for statement in _statements(file.read()):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={step}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """Split a migration into statements (executescript would commit in between)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
