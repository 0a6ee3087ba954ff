"""Rows of volumes, and who uses them."""

from __future__ import annotations

from .. import json
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .database import Database

_COLUMNS = "name, driver, anonymous, created, labels, options, copied_up, image, layer"


class Volume(Value):
    """A named or anonymous volume.

    created: nanoseconds since the epoch. copied_up: it was filled from an image, or need not be.
    image, layer: of the driver `image`: the image's id, and the writable layer over it; else "".
    """

    name: str
    driver: str = "local"
    anonymous: bool = False
    created: int = 0
    labels: Mapping[str, str] = EMPTY
    options: Mapping[str, str] = EMPTY
    copied_up: bool = False
    image: str = ""
    layer: str = ""


def insert(database: Database, volume: Volume) -> bool:
    """Write a row; False when the name is taken."""
    count = database.execute(
        f"INSERT OR IGNORE INTO volumes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        volume.name,
        volume.driver,
        int(volume.anonymous),
        volume.created,
        json.dumps(dict(volume.labels)),
        json.dumps(dict(volume.options)),
        int(volume.copied_up),
        volume.image,
        volume.layer,
    )
    return count > 0


def get(database: Database, name: str) -> Volume | None:
    """The volume of exactly this name."""
    row = database.row(f"SELECT {_COLUMNS} FROM volumes WHERE name = ?", name)
    return None if row is None else _volume(row)


def starting_with(database: Database, prefix: str) -> list[Volume]:
    """The volumes whose names begin so, by name."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM volumes WHERE substr(name, 1, ?) = ? ORDER BY name",
        len(prefix),
        prefix,
    )
    return [_volume(row) for row in rows]


def users(database: Database, name: str) -> list[str]:
    """Ids of the containers that use a volume."""
    rows = database.rows(
        "SELECT DISTINCT container FROM container_volumes WHERE volume = ? ORDER BY 1", name
    )
    return [row[0] for row in rows]


def unused(database: Database) -> list[Volume]:
    """The volumes that no container uses, by name."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM volumes"
        " WHERE name NOT IN (SELECT volume FROM container_volumes) ORDER BY name"
    )
    return [_volume(row) for row in rows]


def of_image(database: Database, image: str) -> list[str]:
    """Names of the volumes whose content is an image's."""
    return [row[0] for row in database.rows("SELECT name FROM volumes WHERE image = ?", image)]


def delete(database: Database, name: str) -> None:
    """Delete a row; sqlite3.IntegrityError while a container uses it."""
    database.execute("DELETE FROM volumes WHERE name = ?", name)


def rename(database: Database, name: str, new: str) -> None:
    """Give a row a name that is free, which makes its volume a named one."""
    database.execute("UPDATE volumes SET name = ?, anonymous = 0 WHERE name = ?", new, name)


def mark_copied_up(database: Database, name: str) -> None:
    """Note that a volume needs nothing from an image any more."""
    database.execute("UPDATE volumes SET copied_up = 1 WHERE name = ?", name)


def _volume(row: tuple[Any, ...]) -> Volume:
    name, driver, anonymous, created, labels, options, copied_up, image, layer = row
    return Volume(
        name,
        driver,
        bool(anonymous),
        created,
        json.loads(labels),
        json.loads(options),
        bool(copied_up),
        image,
        layer,
    )
