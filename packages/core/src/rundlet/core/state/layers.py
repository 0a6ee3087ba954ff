"""Rows of layers and blobs, and which of them nothing needs any more."""

from __future__ import annotations

import time

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database

_COLUMNS = "id, parent, diff_id, blob, driver, size, inodes, created"


class LayerRow(Value):
    """A committed image layer.

    id: chain ID in hex. parent: of another, or "". blob: digest of its compressed form, or
    "". size: bytes of content. created: nanoseconds since the epoch.
    """

    id: str
    parent: str
    diff_id: str
    blob: str
    driver: str
    size: int
    inodes: int
    created: int


def get(database: Database, layer: str) -> LayerRow | None:
    """The row of a layer, or None."""
    row = database.row(f"SELECT {_COLUMNS} FROM layers WHERE id = ?", layer)
    if row is None:
        return None
    return LayerRow(row[0], row[1] or "", row[2], row[3] or "", *row[4:])


def blobs(database: Database) -> list[str]:
    """The digests of the blobs of all layers."""
    rows = database.rows("SELECT DISTINCT blob FROM layers WHERE blob IS NOT NULL")
    return [str(blob) for (blob,) in rows]


def insert(database: Database, row: LayerRow) -> None:
    """Write a row; no error when it is there. `created` 0 is now."""
    database.execute(
        f"INSERT OR IGNORE INTO layers ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row.id,
        row.parent or None,
        row.diff_id,
        row.blob or None,
        row.driver,
        row.size,
        row.inodes,
        row.created or time.time_ns(),
    )


def chain(database: Database, top: str) -> tuple[str, ...]:
    """A layer and all below it, topmost first; () when it is not known."""
    rows = database.rows(
        "WITH RECURSIVE up(id, parent, depth) AS ("
        " SELECT id, parent, 0 FROM layers WHERE id = ?"
        " UNION ALL SELECT l.id, l.parent, depth + 1 FROM layers l, up WHERE l.id = up.parent)"
        " SELECT id FROM up ORDER BY depth",
        top,
    )
    return tuple(row[0] for row in rows)


def user(database: Database, layer: str) -> str:
    """What needs a layer, in words, or ""."""
    row = database.row(
        "SELECT 'image ' || id FROM images WHERE top_layer = ?"
        " UNION ALL SELECT 'layer ' || id FROM layers WHERE parent = ?"
        " UNION ALL SELECT 'process ' || pid FROM leases WHERE kind = 'layer' AND object = ?"
        " LIMIT 1",
        layer,
        layer,
        layer,
    )
    return row[0] if row else ""


def unused(database: Database) -> list[str]:
    """Layers that nothing reaches, children before their parents."""
    return [row[0] for row in database.rows(_UNUSED_LAYERS)]


def delete(database: Database, layer: str) -> bool:
    """Delete a row that nothing needs; False when something does, or it is gone."""
    with database.transaction():
        if user(database, layer):
            return False
        return database.execute("DELETE FROM layers WHERE id = ?", layer) > 0


def unused_blobs(database: Database) -> list[str]:
    """Blobs that no image, layer or living process needs."""
    return [row[0] for row in database.rows(_UNUSED_BLOBS)]


def blobs_of_nothing(database: Database) -> list[tuple[str, int]]:
    """(digest, size) of blobs that no image and no layer needs, whoever may be about to."""
    return database.rows(f"SELECT digest, size {_NEEDED_BY_NOTHING}")


_UNUSED_LAYERS = """
WITH RECURSIVE used(id) AS (
    SELECT top_layer FROM images WHERE top_layer IS NOT NULL
    UNION SELECT object FROM leases WHERE kind = 'layer'
    UNION SELECT l.parent FROM layers l JOIN used ON l.id = used.id WHERE l.parent IS NOT NULL
), depth(id, n) AS (
    SELECT id, 0 FROM layers WHERE parent IS NULL
    UNION ALL SELECT l.id, n + 1 FROM layers l JOIN depth d ON l.parent = d.id
)
SELECT id FROM depth WHERE id NOT IN (SELECT id FROM used) ORDER BY n DESC
"""
_NEEDED_BY_NOTHING = """
FROM blobs
WHERE digest NOT IN (SELECT digest FROM image_blobs)
  AND digest NOT IN (SELECT manifest FROM images)
  AND digest NOT IN (SELECT blob FROM layers WHERE blob IS NOT NULL)
"""
_UNUSED_BLOBS = f"""
SELECT digest {_NEEDED_BY_NOTHING}
  AND digest NOT IN (SELECT object FROM leases WHERE kind = 'blob')
"""


def set_blob(database: Database, layer: str, blob: str) -> None:
    """Remember the compressed form of a layer, if none is known yet."""
    database.execute("UPDATE layers SET blob = ? WHERE id = ? AND blob IS NULL", blob, layer)
