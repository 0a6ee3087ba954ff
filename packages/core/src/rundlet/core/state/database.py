"""The one state file: opening, migrating, reading and writing it.

WAL mode: readers take no lock and see one consistent snapshot; writers queue for
`BUSY_TIMEOUT` seconds. `synchronous=NORMAL`: a killed process loses nothing; a power
cut may lose the last commits but never tears the file (sqlite.org/wal.html). What a command
has written is on the disk when it ends (`leave`).

Each thread gets a connection of its own, opened when it first asks. A connection does
not survive a fork (sqlite.org/howtocorrupt.html, 2.6): a child makes its own Database.
"""

from __future__ import annotations

# What the module sqlite3 is made of, without its import of datetime (1.3 ms).
import _sqlite3 as sqlite3
import os
from _thread import get_ident

from ..errors import StoreError
from . import reserve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from .changes import Changes

FILE_NAME = "state.db"
BUSY_TIMEOUT = 30.0
SCHEMA_VERSION = 5
_LOG_PAGES = 200
"""How long the log gets before it is written into the file. Commands leave it to the next one,
which reads it first: 0.25 ms for 100 pages. `run` writes some 20."""
_left: list[sqlite3.Connection] = []
"""Connections that end with the process: without a reference they would be closed before."""
_MIGRATIONS = os.path.join(os.path.dirname(__file__), "migrations")


class Database:
    """The state below a graph root; made on construction if it is not there.

    Every call raises StoreError when the file cannot be used, NoSpace when the disk is full,
    sqlite3.IntegrityError when a constraint of the schema forbids a change.
    """

    def __init__(self, graph_root: str) -> None:
        self.graph_root = graph_root
        self.path = os.path.join(graph_root, FILE_NAME)
        self._opened = self.path
        self._connections: dict[int, sqlite3.Connection] = {}
        try:
            self._first_connect()
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _first_connect(self) -> None:
        """As `_connect`; on a full disk in the space that was kept for that."""
        try:
            self._connect()
        except sqlite3.OperationalError:
            if not (reserve.use(self.graph_root) or self._only_read()):
                raise
            self._connect()

    def _only_read(self) -> bool:
        """Open the file as one that nobody changes, where the file system is read-only or full:
        SQLite wants to make others beside it. Whether that is so.
        """
        from errno import EDQUOT, ENOSPC, EROFS

        from .opening import is_empty, refusal, uri

        refused = refusal(self.graph_root) in (EDQUOT, ENOSPC, EROFS)
        if not refused or not is_empty(f"{self.path}-wal"):
            return False  # changes are there that are not yet in the file itself
        self._opened = uri(self.path, "immutable=1")
        return True

    # --- opening

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found = self._connections.get(get_ident())
        return self._connect() if found is None else found

    def _connect(self) -> sqlite3.Connection:
        is_new = not os.path.exists(self.path)
        connection = self._open()
        try:
            # WAL is a property of the file: only a new one has to be told (in `_migrate`).
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != SCHEMA_VERSION:
                if not (version or is_new):
                    self._refuse_emptied()
                self._migrate(connection, version)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
        self._connections[get_ident()] = connection
        reserve.keep(self.graph_root)
        return connection

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_file()
        except sqlite3.OperationalError:
            pass  # no directory, or it was made by another process meanwhile
        try:
            os.makedirs(self.graph_root, mode=0o711, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the graph root {self.graph_root}: {error.strerror}",
                remedy="Run as root, or use another --root.",
            ) from error
        return self._open_file()

    def _open_file(self) -> sqlite3.Connection:
        # Threads are kept apart by `_connections`; the check would only hinder closing.
        return sqlite3.connect(
            self._opened,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
            uri=True,  # also for ATTACH (stores.py); a plain path is taken as it is
        )

    def _refuse_emptied(self) -> None:
        """Raise StoreError where a file without any state stands for a store that is not empty:
        SQLite takes an empty file for a new one, and a repair would then delete everything.
        """
        for name in ("containers", "blobs/sha256"):
            path = os.path.join(self.graph_root, name)
            if os.path.isdir(path) and os.listdir(path):
                from .explain import DAMAGED

                raise StoreError(
                    f"the state file {self.path} is empty, {path} is not", remedy=DAMAGED
                )

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} has schema {version}, newer than this release's {SCHEMA_VERSION}",
                remedy="Upgrade rundlet, or use another --root.",
            )
        import fcntl

        from .migrate import apply

        # Several processes may find a new file, or an old schema, at once. SQLite does not wait
        # for a change of the journal mode: so they take turns, by a lock on the directory.
        directory = os.open(self.graph_root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            connection.execute("PRAGMA journal_mode=WAL")
            apply(connection, _MIGRATIONS, SCHEMA_VERSION)
        finally:
            os.close(directory)

    def again(self) -> Database:
        """Another Database on the same file, for another process' worth of independence."""
        return Database(self.graph_root)

    # --- reading and writing

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        try:
            result: tuple[Any, ...] | None = self._connection().execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise self._explained(error) from error
        return result

    def changes(self) -> Changes:
        """Who tells, again and again, whether anybody has written to the file."""
        from .changes import Changes

        try:
            return Changes(self._open_file())
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def execute(self, sql: str, *values: Any) -> int:
        """Run one changing statement; returns how many rows it changed."""
        connection = self._connection()
        if not connection.in_transaction:
            reserve.use(self.graph_root)
        try:
            return connection.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise self._explained(error) from error

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction."""
        return self._connection().in_transaction

    def transaction(self) -> Transaction:
        """`with`: all statements inside, or none. Nested ones join the outer one."""
        return Transaction(self)

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._connections:
            self._connections.popitem()[1].close()

    def leave(self) -> None:
        """Instead of `close`, for a process that ends now: what was written is on the disk then.

        Whoever closes the last connection writes the log into the file and removes it, and the
        next command begins a new one: four waits for the disk for each. Here it is one.
        """
        wrote = any(connection.total_changes for connection in self._connections.values())
        _left.extend(self._connections.values())
        self._connections.clear()
        if not wrote:
            return
        try:
            log = os.open(f"{self.path}-wal", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # the whole state was removed meanwhile (system reset)
        try:
            os.fdatasync(log)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}-wal: {error.strerror}") from error
        finally:
            os.close(log)  # SQLite's locks, which that would release, are on the other files

    def _explained(self, error: sqlite3.Error) -> Exception:
        """What an error of SQLite means for people; broken constraints are the caller's."""
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            return error
        from .explain import explained

        return explained(error, self.graph_root, self.path)


class Transaction:
    """The context manager of `Database.transaction`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outermost = False

    def __enter__(self) -> None:
        self._outermost = not self._database.in_transaction
        if self._outermost:
            self._database.execute("BEGIN IMMEDIATE")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._outermost:
            return
        if error is None:
            try:
                self._database.execute("COMMIT")
                return
            except BaseException:
                self._roll_back()
                raise
        self._roll_back()

    def _roll_back(self) -> None:
        # Some errors (a full disk) have already rolled back.
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
