"""Noticing that somebody has written to the state file."""

from __future__ import annotations

import _sqlite3 as sqlite3  # as database.py

from ..errors import StoreError


class Changes:
    """A connection that only looks: its number is another one after each change by anybody
    (sqlite.org/pragma.html#pragma_data_version). For all threads, one at a time.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def number(self) -> int:
        """Raises StoreError where the file cannot be read any more."""
        try:
            row = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"the state file cannot be read: {error}") from error
        return int(row[0])

    def close(self) -> None:
        self._connection.close()
