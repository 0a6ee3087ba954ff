"""Rows of images and their names."""

from __future__ import annotations

import time

from .. import json
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any

    from .database import Database


class Image(Value):
    """One image.

    id: hex of the config's digest. names: "host/repo:tag", sorted.
    manifest: digest of the stored manifest. digests: "host/repo@sha256:...".
    created, added: nanoseconds since the epoch. size: unpacked bytes of all layers.
    store: the additional image store that it is in, or "" for our own.
    list: of a manifest list what images/lists.py writes, "" for an image. A list's id is a random
    one, its manifest the digest of the index.
    """

    id: str
    manifest: str
    manifest_type: str = ""
    top_layer: str = ""
    created: int = 0
    added: int = 0
    size: int = 0
    os: str = ""
    architecture: str = ""
    variant: str = ""
    labels: Mapping[str, str] = EMPTY
    store: str = ""
    list: str = ""
    names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


_COLUMNS = (
    "i.id, i.manifest, i.manifest_type, i.top_layer, i.created, i.added, i.size,"
    " i.os, i.architecture, i.variant, i.labels, i.store, i.list"
)


def get(database: Database, image: str) -> Image | None:
    """The image with this whole id."""
    row = database.row(f"SELECT {_COLUMNS} FROM images i WHERE i.id = ?", image)
    return _image(database, row) if row else None


def every(database: Database) -> list[Image]:
    """All images, newest first; no manifest lists."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM images i WHERE i.list = '' ORDER BY i.created DESC, i.id"
    )
    return [_image(database, row) for row in rows]


def _image(database: Database, row: tuple[Any, ...]) -> Image:
    names = database.rows("SELECT name FROM image_names WHERE image = ? ORDER BY name", row[0])
    digests = database.rows(
        "SELECT repository || '@' || digest FROM image_digests WHERE image = ?"
        " ORDER BY repository, digest",
        row[0],
    )
    return Image(
        id=row[0],
        manifest=row[1],
        manifest_type=row[2],
        top_layer=row[3] or "",
        created=row[4],
        added=row[5],
        size=row[6],
        os=row[7],
        architecture=row[8],
        variant=row[9],
        labels=json.loads(row[10]),
        store=row[11],
        list=row[12],
        names=tuple(name for (name,) in names),
        digests=tuple(digest for (digest,) in digests),
    )


def by_name(database: Database, name: str) -> str | None:
    """The image id of a full name."""
    row = database.row("SELECT image FROM image_names WHERE name = ?", name)
    return row[0] if row else None


def by_suffix(database: Database, suffix: str) -> list[tuple[str, str]]:
    """(image, name) of all names that end in "/suffix": how a short name finds a local image."""
    return database.rows(
        "SELECT image, name FROM image_names WHERE substr(name, -length(?1) - 1) = '/' || ?1"
        " ORDER BY tagged DESC",
        suffix,
    )


def by_digest(database: Database, repository: str, digest: str) -> str | None:
    """The image id of a repository digest; repository "" for any."""
    row = database.row(
        "SELECT image FROM image_digests WHERE digest = ?1"
        " AND (?2 = '' OR repository = ?2 OR substr(repository, -length(?2) - 1) = '/' || ?2)",
        digest,
        repository,
    )
    return row[0] if row else None


def by_prefix(database: Database, prefix: str) -> list[str]:
    """Ids that start like this."""
    rows = database.rows(
        "SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2", prefix, prefix + "g"
    )
    return [row[0] for row in rows]


def insert(database: Database, image: Image, blobs: Iterable[str]) -> None:
    """Write an image with the blobs that it keeps; one that is there gets the new manifest, and
    is ours from now on.
    """
    database.execute(
        "INSERT INTO images (id, manifest, manifest_type, top_layer, created, added, size, os,"
        " architecture, variant, labels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest,"
        " manifest_type = excluded.manifest_type, store = ''",
        image.id,
        image.manifest,
        image.manifest_type,
        image.top_layer or None,
        image.created,
        image.added or time.time_ns(),
        image.size,
        image.os,
        image.architecture,
        image.variant,
        json.dumps(dict(image.labels)),
    )
    for digest in blobs:
        database.execute(
            "INSERT OR IGNORE INTO image_blobs (image, digest) VALUES (?, ?)", image.id, digest
        )


def insert_list(database: Database, known: Image) -> None:
    """Write a new manifest list."""
    now = time.time_ns()
    database.execute(
        "INSERT INTO images (id, manifest, manifest_type, created, added, size, list)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        known.id,
        known.manifest,
        known.manifest_type,
        now,
        now,
        known.size,
        known.list,
    )


def change_list(database: Database, known: Image) -> None:
    """Write what a manifest list is now."""
    database.execute(
        "UPDATE images SET manifest = ?, size = ?, list = ? WHERE id = ?",
        known.manifest,
        known.size,
        known.list,
        known.id,
    )


def known_blobs(database: Database, digests: Collection[str]) -> set[str]:
    """Which of these blobs are in the store."""
    marks = ", ".join("?" * len(digests))
    rows = database.rows(f"SELECT digest FROM blobs WHERE digest IN ({marks})", *digests)
    return {digest for (digest,) in rows}


def set_name(database: Database, name: str, image: str) -> None:
    """Give an image a name, taking it from whoever has it. The image is ours from now on."""
    _own(database, image)
    other = by_name(database, name)
    if other is not None and other != image:
        _lose(database, other, name)
    database.execute("DELETE FROM image_past_names WHERE image = ? AND name = ?", image, name)
    database.execute(
        "INSERT INTO image_names (name, image, tagged) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET image = excluded.image, tagged = excluded.tagged",
        name,
        image,
        time.time_ns(),
    )


def drop_name(database: Database, name: str) -> bool:
    """Take a name away; whether it was there. The image is ours from now on."""
    image = by_name(database, name)
    if image is None:
        return False
    _own(database, image)
    _outdate_stores(database)
    _lose(database, image, name)
    return database.execute("DELETE FROM image_names WHERE name = ?", name) > 0


def _lose(database: Database, image: str, name: str) -> None:
    """Remember that an image had a name."""
    database.execute(
        "INSERT OR REPLACE INTO image_past_names (image, name, lost) VALUES (?, ?, ?)",
        image,
        name,
        time.time_ns(),
    )


def names_history(database: Database, image: str) -> list[str]:
    """The names that an image has, the oldest first, then those that it had, the last first."""
    rows = database.rows(
        "SELECT name, 0, tagged AS since FROM image_names WHERE image = ?1"
        " UNION ALL SELECT name, 1, -lost FROM image_past_names WHERE image = ?1"
        " ORDER BY 2, since",
        image,
    )
    return [row[0] for row in rows]


def _own(database: Database, image: str) -> None:
    """Make the row of an image our own: nothing that is read of its store changes it then."""
    database.execute("UPDATE images SET store = '' WHERE id = ? AND store != ''", image)


def _outdate_stores(database: Database) -> None:
    """Have additional stores read again: what goes now may have hidden something of theirs."""
    database.execute("UPDATE stores SET stamp = ''")


def add_digest(database: Database, image: str, repository: str, digest: str) -> None:
    """Remember by which digest a repository knows an image."""
    database.execute(
        "INSERT OR IGNORE INTO image_digests (image, repository, digest) VALUES (?, ?, ?)",
        image,
        repository,
        digest,
    )


def delete(database: Database, image: str) -> None:
    """Delete an image's row; names, digests and blob references go with it."""
    _outdate_stores(database)
    database.execute("DELETE FROM images WHERE id = ?", image)


def users(database: Database, image: str) -> list[tuple[str, str, str]]:
    """(id, name, status) of the containers made from an image."""
    return database.rows("SELECT id, name, status FROM containers WHERE image = ?", image)


def children(database: Database, image: Image) -> list[str]:
    """Ids of other images whose layers stand on this image's top layer."""
    if not image.top_layer:
        return []
    rows = database.rows(
        "SELECT i.id FROM images i JOIN layers l ON l.id = i.top_layer WHERE l.parent = ?",
        image.top_layer,
    )
    return [row[0] for row in rows]
