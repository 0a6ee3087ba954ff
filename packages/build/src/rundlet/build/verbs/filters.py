"""`--filter` of buildah's list of images (buildah-images(1))."""

from __future__ import annotations

import fnmatch
import json

from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rundlet.core import Engine
    from rundlet.core.images.summary import ImageSummary


def filtered(
    engine: Engine, rows: Sequence[ImageSummary], filters: Iterable[str]
) -> list[ImageSummary]:
    """The rows that all filters let pass. Raises InvalidArgument, NoSuchImage."""
    left = list(rows)
    for text in filters:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidArgument(
                f"incorrect filter format {text!r}, should be of form filter=value"
            )
        left = [row for row in left if _passes(engine, row, key, value)]
    return left


def _passes(engine: Engine, row: ImageSummary, key: str, value: str) -> bool:
    if key in ("before", "since", "after"):
        other = engine.images.get(value).created
        return row.created < other if key == "before" else row.created > other
    if key in ("dangling", "readonly", "intermediate"):
        wanted = value.lower() in ("1", "true", "t")
        return wanted == (key == "dangling" and not row.names)
    if key == "label":
        name, equals, text = value.partition("=")
        labels = json.loads(row.labels)
        return labels.get(name) == text if equals else name in labels
    if key == "reference":
        return any(_fits(name, value) for name in row.names)
    if key == "id":
        return row.id.startswith(value)
    raise InvalidArgument(f"unsupported image filter {key!r}")


def _fits(name: str, pattern: str) -> bool:
    """Whether a name, with its host or only the end of its path, fits a pattern."""
    bare = name.rpartition(":")[0]
    candidates = (name, bare, name.rpartition("/")[2], bare.rpartition("/")[2])
    return any(fnmatch.fnmatchcase(text, pattern) for text in candidates)
