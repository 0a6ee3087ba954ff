"""The fields of `images` for `--format`, and its JSON."""

from __future__ import annotations

import json
import time

from rundlet.core.format.go import Map
from rundlet.core.format.moments import stamp
from rundlet.core.format.output import pretty
from rundlet.core.format.output import rows as formatted
from rundlet.core.images.inspect import repository_digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from rundlet.core.commands.context import Parsed
    from rundlet.core.engine import Engine
    from rundlet.core.images.summary import ImageSummary

_HEADINGS = {"ID": "IMAGE ID", "CreatedSince": "CREATED", "Id": "IMAGE ID", "ReadOnly": "R/O"}


_SORTED = {"repository": "Repository", "tag": "Tag", "id": "ID", "size": "VirtualSize"}


def show(engine: Engine, rows: Sequence[ImageSummary], arguments: Parsed) -> str:
    """The list by a template or as JSON."""
    form = arguments.text("format")
    if form == "json":
        return pretty([document(engine, row) for row in rows]) + "\n"
    whole = arguments.flag("no-trunc")
    found = [line for row in rows for line in fields(row, whole)]
    field = _SORTED.get(arguments.text("sort"))
    if field:
        found.sort(key=lambda line: line[field])
    heading = not arguments.flag("noheading")
    return formatted(found, form, headings=_HEADINGS, heading=heading)


def fields(row: ImageSummary, whole: bool) -> Iterator[dict[str, Any]]:
    """What a template may name, for each name of the image."""
    from ..verbs.images import cells

    for repository, tag, digest, identity, since, size, *_ in cells(row, time.time_ns(), whole):
        yield {
            "Repository": repository,
            "Tag": tag,
            "Digest": digest,
            "ID": identity,
            "Id": row.id,
            "CreatedSince": since,
            "Created": since,
            "CreatedAt": stamp(row.created),
            "CreatedTime": stamp(row.created),
            "Size": size,
            "VirtualSize": row.size,
            "Names": list(row.names),
            "Labels": Map(json.loads(row.labels)),
            "Containers": row.containers,
            "Dangling": not row.names,
            "IsDangling": not row.names,
            "ReadOnly": bool(row.store),
            "IsReadOnly": bool(row.store),
            "IsManifestList": row.is_list,
            "History": ", ".join(row.history),
            "ParentId": "",
            "RepoTags": list(row.names),
            "RepoDigests": repository_digests(row.names, row.digest),
            "SharedSize": 0,
        }


def document(engine: Engine, row: ImageSummary) -> dict[str, Any]:
    """One element of `images --format json`."""
    image = engine.images.named(row.id)
    pulled = image.digests if image is not None else ()  # it may have been removed meanwhile
    seconds = row.created // 1_000_000_000
    return {
        "Id": row.id,
        "ParentId": "",
        "RepoTags": None,
        "RepoDigests": repository_digests(row.names, row.digest, pulled),
        "Size": row.size,
        "SharedSize": 0,
        "VirtualSize": row.size,
        "Labels": json.loads(row.labels) or None,
        "Containers": row.containers,
        **({"ReadOnly": True} if row.store else {}),
        **({"IsManifestList": True} if row.is_list else {}),
        "Names": list(row.names),
        "Digest": row.digest,
        "History": list(row.history),
        "Created": seconds,
        "CreatedAt": stamp(row.created).replace(" +0000 UTC", "Z").replace(" ", "T"),
    }
