"""`manifest.json` of a `docker save` archive: its images, with their names, configs and layers.

moby/docker-image-spec v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

from __future__ import annotations

from ..errors import Corrupt, InvalidArgument, NoSuchImage, NotFound
from ..images import documents
from ..images.reference import parse as parse_name
from . import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contracts.transport import Location
    from .tarball import TarIndex


class ArchivedImage:
    """One item of a manifest.json: where its config and layers are, and its names."""

    def __init__(self, item: Any) -> None:
        self.config = str(item["Config"])
        self.names = [str(name) for name in item.get("RepoTags") or ()]
        self.layers = [str(name) for name in item["Layers"]]


def read(index: TarIndex) -> list[ArchivedImage]:
    """The images of an archive. Raises Corrupt."""
    try:
        data = index.read("manifest.json", layout.MOST_MANIFEST_BYTES)
    except NotFound:
        raise Corrupt(f"{index.path}: no manifest.json: not written by docker save") from None
    items = documents.read(data, f"{index.path}: manifest.json")
    try:
        return [ArchivedImage(item) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Corrupt(
            f"{index.path}: damaged manifest.json: not a list of objects with Config and Layers"
        ) from None


def names(images: list[ArchivedImage]) -> list[str]:
    """Every name in an archive, and `@N` for images without one."""
    found: list[str] = []
    for number, image in enumerate(images):
        found += image.names or [f"@{number}"]
    return found


def select(images: list[ArchivedImage], wanted: str, location: Location) -> ArchivedImage:
    """The image that a reference means: a name, `@N`, or "" for the only one.

    Raises NoSuchImage, and InvalidArgument where "" would mean one of several.
    """
    if not wanted:
        if len(images) > 1:
            raise InvalidArgument(
                f"{location} holds {len(images)} images",
                remedy=f"choose one: {', '.join(f'{location}:{n}' for n in names(images))}",
            )
    elif wanted.startswith("@"):
        images = images[int(wanted[1:]) :][:1]
    else:
        images = [item for item in images if wanted in map(_full, item.names)]
    if not images:
        raise NoSuchImage(str(location))
    return images[0]


def _full(name: str) -> str:
    """A name with registry and tag; one that is no name at all stays as it is."""
    try:
        return str(parse_name(name).tagged())
    except InvalidArgument:
        return name
