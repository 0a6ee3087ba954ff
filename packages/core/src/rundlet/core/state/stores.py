"""Rows of additional image stores: those of other graph roots, repeated in our own state."""

from __future__ import annotations

from ..errors import StoreError
from .opening import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .database import Database


def known(database: Database) -> dict[str, str]:
    """The stores whose rows are here, and the stamps of what was read."""
    return dict(database.rows("SELECT path, stamp FROM stores"))


def stamp(database: Database, store: str, value: str) -> None:
    """Note what was read of a store."""
    database.execute("INSERT OR REPLACE INTO stores (path, stamp) VALUES (?, ?)", store, value)


def driver(database: Database) -> str:
    """The storage driver of the attached store."""
    row = database.row("SELECT value FROM other.settings WHERE name = 'storage_driver'")
    return row[0] if row else ""


class Attached:
    """`with`: the state.db of a store, to be read as schema `other`.

    quiet: nobody has it open, so that it can be read without its -shm file, which SQLite would
    make. Raises StoreError naming the store.
    """

    def __init__(self, database: Database, store: str, *, quiet: bool) -> None:
        self._database = database
        self._store = store
        self._uri = uri(f"{store}/state.db", "immutable=1" if quiet else "mode=ro")

    def __enter__(self) -> None:
        from .database import SCHEMA_VERSION

        try:
            self._database.execute("ATTACH ? AS other", self._uri)
        except StoreError as error:
            raise self._refused(error.message) from error
        try:
            row = self._database.row("PRAGMA other.user_version")
        except StoreError as error:
            self._detach()
            raise self._refused(error.message) from error
        if row is None or not 1 <= row[0] <= SCHEMA_VERSION:
            self._detach()
            raise self._refused(f"schema {row and row[0]} is not one that this release reads")

    def __exit__(self, *_: object) -> None:
        self._detach()

    def _detach(self) -> None:
        self._database.execute("DETACH other")

    def _refused(self, why: str) -> StoreError:
        return unusable(self._store, why)


class Made:
    """`with`: a schema `other` in memory with the tables of a store, as `fill` writes them."""

    def __init__(self, database: Database, fill: Callable[[Made], None]) -> None:
        self._database = database
        self._fill = fill

    def __enter__(self) -> None:
        self._database.execute("ATTACH ':memory:' AS other")
        try:
            for table in (*_REPEATED, "settings"):
                sql = f"CREATE TABLE other.{table} AS SELECT * FROM main.{table} WHERE false"
                self._database.execute(sql)
            self._fill(self)
        except BaseException:
            self.__exit__()
            raise

    def add(self, table: str, **values: object) -> None:
        """Write a row."""
        marks = ", ".join("?" * len(values))
        self._database.execute(
            f"INSERT INTO other.{table} ({', '.join(values)}) VALUES ({marks})", *values.values()
        )

    def __exit__(self, *_: object) -> None:
        self._database.execute("DETACH other")


def unusable(store: str, why: str) -> StoreError:
    """The error of a store that cannot be read."""
    return StoreError(
        f"cannot use the additional image store {store}: {why}",
        remedy="Repair it, or take it out of additionalimagestores in storage.conf.",
    )


def take_over(database: Database, store: str) -> None:
    """Repeat the rows of the attached store, and drop those of what it has no more.

    An image that we have of our own, or of another store, hides the store's. Manifest lists are
    left out.
    """
    with database.transaction():
        # Rows that refer to each other come in any order.
        database.execute("PRAGMA defer_foreign_keys = ON")
        _drop(database, store, "AND id NOT IN (SELECT id FROM other.images)")
        for statement in _TAKE_OVER:
            database.execute(statement, store)


def lingers(database: Database, store: str) -> bool:
    """Whether an image has gone from the attached store, and stays for a container's sake."""
    sql = "SELECT 1 FROM images WHERE store = ? AND id NOT IN (SELECT id FROM other.images)"
    return database.row(sql, store) is not None


def forget(database: Database, store: str) -> None:
    """Delete the rows of a store, but for images that containers or volumes need."""
    with database.transaction():
        _drop(database, store)
        database.execute(
            "DELETE FROM stores WHERE path = ?1"
            " AND NOT EXISTS (SELECT 1 FROM images WHERE store = ?1)",
            store,
        )


def _drop(database: Database, store: str, which: str = "") -> None:
    database.execute(
        f"DELETE FROM images WHERE store = ? AND id NOT IN (SELECT image FROM image_users) {which}",
        store,
    )


_IMAGE = (
    "id, manifest, manifest_type, top_layer, created, added, size, os, architecture, variant,"
    " labels, pinned"
)
_INDEX = "application/vnd.oci.image.index.v1+json"
_REPEATED = ("images", "image_names", "image_digests", "image_blobs", "layers", "blobs")
_OURS = "SELECT id FROM main.images WHERE store = ?1"
_TAKE_OVER = (
    f"INSERT INTO main.images ({_IMAGE}, store) SELECT {_IMAGE}, ?1 FROM other.images"
    f" WHERE manifest_type != '{_INDEX}'"  # not by `list`, which an older schema lacks
    " ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest,"
    " manifest_type = excluded.manifest_type WHERE store = excluded.store",
    # What is gone there, and stays for a container's sake, has no name, and keeps its blobs.
    f"DELETE FROM main.image_names WHERE image IN ({_OURS})",
    *(
        f"DELETE FROM main.{table} WHERE image IN ({_OURS} AND id IN (SELECT id FROM other.images))"
        for table in ("image_digests", "image_blobs")
    ),
    *(
        f"INSERT OR IGNORE INTO main.{table} SELECT * FROM other.{table} WHERE image IN ({_OURS})"
        for table in ("image_names", "image_digests", "image_blobs")
    ),
    "INSERT OR IGNORE INTO main.layers WITH RECURSIVE used(id) AS ("
    " SELECT top_layer FROM main.images WHERE store = ?1"
    " UNION SELECT l.parent FROM other.layers l JOIN used ON l.id = used.id)"
    " SELECT * FROM other.layers WHERE id IN (SELECT id FROM used)",
    "INSERT OR IGNORE INTO main.blobs SELECT * FROM other.blobs WHERE digest IN ("
    f" SELECT digest FROM main.image_blobs WHERE image IN ({_OURS})"
    " UNION SELECT manifest FROM main.images WHERE store = ?1"
    " UNION SELECT blob FROM main.layers)",
)


def layers(database: Database, store: str) -> list[str]:
    """The layers of a store's images."""
    rows = database.rows(
        "WITH RECURSIVE used(id) AS (SELECT top_layer FROM images WHERE store = ?"
        " UNION SELECT l.parent FROM layers l JOIN used ON l.id = used.id)"
        " SELECT id FROM used WHERE id IS NOT NULL",
        store,
    )
    return [row[0] for row in rows]


def blobs(database: Database, store: str) -> list[str]:
    """The blobs of a store's images and layers."""
    rows = database.rows(
        "WITH RECURSIVE used(id) AS (SELECT top_layer FROM images WHERE store = ?1"
        " UNION SELECT l.parent FROM layers l JOIN used ON l.id = used.id)"
        " SELECT manifest FROM images WHERE store = ?1"
        " UNION SELECT b.digest FROM image_blobs b JOIN images i ON i.id = b.image"
        "  WHERE i.store = ?1"
        " UNION SELECT blob FROM layers WHERE blob IS NOT NULL AND id IN (SELECT id FROM used)",
        store,
    )
    return [row[0] for row in rows]
