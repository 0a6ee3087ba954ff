"""Signatures that the store keeps with its images: blobs of an image, by their media type.

They are of one manifest: an image that gets another one (it is pulled again) keeps them, and
they count for nothing then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine

_TYPE = "application/vnd.rundlet.signature; manifest="


def signatures(engine: Engine, image: str, manifest: str) -> list[bytes]:
    """The signatures of an image's manifest (a digest), oldest first. Raises Corrupt."""
    from .simple import LARGEST

    found = engine.database.rows(
        "SELECT b.digest FROM image_blobs i JOIN blobs b ON b.digest = i.digest"
        " WHERE i.image = ? AND b.media_type = ? ORDER BY b.created, b.digest",
        image,
        _TYPE + manifest,
    )
    return [engine.blobs.read(digest, 2 * LARGEST) for (digest,) in found]


def stored(engine: Engine, manifest: str, made: Sequence[bytes]) -> list[str]:
    """Put signatures of a manifest into the store; the digests of their blobs, which an image
    must name.
    """
    return [engine.blobs.put_bytes(one, _TYPE + manifest).digest for one in made]


def add(engine: Engine, image: str, manifest: str, made: Sequence[bytes]) -> None:
    """Keep more signatures of an image's manifest."""
    blobs = stored(engine, manifest, made)
    with engine.database.transaction():
        for digest in blobs:
            engine.database.execute(
                "INSERT OR IGNORE INTO image_blobs (image, digest) VALUES (?, ?)", image, digest
            )
