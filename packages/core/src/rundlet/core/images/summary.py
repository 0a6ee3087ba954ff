"""What a list of images tells of each: one query, nothing parsed."""

from __future__ import annotations

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..state.database import Database


class ImageSummary(Value):
    """A row of `images`: times in nanoseconds since the epoch, size in bytes.

    history: the names that it has, the oldest first, then those that it had, the last first.
    """

    id: str
    created: int
    size: int
    names: tuple[str, ...] = ()
    digest: str = ""
    labels: str = "{}"
    containers: int = 0
    store: str = ""  # the additional image store that it is in, or "" for our own
    is_list: bool = False  # a manifest list
    history: tuple[str, ...] = ()


def summaries(database: Database) -> list[ImageSummary]:
    """All images and manifest lists, newest first."""
    found = database.rows(
        "SELECT i.id, i.created, i.size, i.manifest, i.labels,"
        " (SELECT group_concat(name, char(10)) FROM"
        "  (SELECT name FROM image_names n WHERE n.image = i.id ORDER BY tagged)),"
        " (SELECT count(*) FROM image_users u WHERE u.image = i.id), i.store, i.list != '',"
        " (SELECT group_concat(name, char(10)) FROM"
        "  (SELECT name FROM image_past_names p WHERE p.image = i.id ORDER BY lost DESC))"
        " FROM images i ORDER BY i.created DESC, i.id"
    )
    return [
        ImageSummary(
            image,
            created,
            size,
            names := tuple(text.split("\n")) if text else (),
            digest,
            labels,
            used,
            store,
            bool(is_list),
            (*names, *(past.split("\n") if past else ())),
        )
        for image, created, size, digest, labels, text, used, store, is_list, past in found
    ]
