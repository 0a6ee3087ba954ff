"""What users call images: ids, short names, full names, names with a transport."""

from __future__ import annotations

from ..errors import AmbiguousName, InvalidArgument
from ..state import images as rows
from . import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.database import Database
    from ..state.images import Image
    from .reference import Reference

_SHORTEST_ID = 2


def find(database: Database, name: str) -> Image | None:
    """The local image that a name means, or None.

    As podman: a full name; else the name at localhost/ and docker.io/, else any repository
    that ends in it; else an id or its start. Raises AmbiguousName.
    """
    text = name.removeprefix("docker://").removeprefix("containers-storage:")
    image = _by_name(database, text) or _by_id(database, text)
    return rows.get(database, image) if image else None


def _by_name(database: Database, text: str) -> str | None:
    if text.startswith("sha256:"):
        return None
    try:
        wanted = references.parse(text).tagged()
    except InvalidArgument:
        return None
    if wanted.digest:
        short = references.is_short(text)
        repository = text.partition("@")[0] if short else wanted.repository
        return rows.by_digest(database, _untagged(repository), wanted.digest)
    candidates = [str(wanted)]
    if references.is_short(text):
        bare = text if ":" in text.rpartition("/")[2] else f"{text}:{references.DEFAULT_TAG}"
        candidates = [f"localhost/{bare}", *candidates]
    for candidate in candidates:
        found = rows.by_name(database, candidate)
        if found:
            return found
    if references.is_short(text):
        for image, _ in rows.by_suffix(database, bare):
            return image
    return None


def _untagged(repository: str) -> str:
    head, colon, tag = repository.rpartition(":")
    return head if colon and "/" not in tag else repository


def _by_id(database: Database, text: str) -> str | None:
    prefix = text.removeprefix("sha256:")
    if len(prefix) < _SHORTEST_ID or prefix.strip("0123456789abcdef"):
        return None
    found = rows.by_prefix(database, prefix)
    if len(found) > 1:
        raise AmbiguousName(f"image id {text!r} fits several images")
    return found[0] if found else None


def meant(image: Image, name: str) -> str:
    """Which of its names found an image; else (by a digest) another, or `name` if it has none."""
    text = name.removeprefix("docker://")
    for full in image.names:
        if text in (full, full.removesuffix(":latest")):
            return full
    bare = text if ":" in text.rpartition("/")[2] else f"{text}:{references.DEFAULT_TAG}"
    ends = [full for full in image.names if full.endswith("/" + bare)]
    return next(iter((*ends, *image.names)), name)


def stored_name(text: str) -> Reference:
    """The full name that `tag`, `commit` or `import` give: a short one is localhost's."""
    if references.is_short(text) and not text.startswith("localhost/"):
        text = f"localhost/{text}"
    return references.parse(text).tagged()


def split_transport(engine: Engine, text: str) -> tuple[str, str] | None:
    """("oci", "/path:tag") of a name that begins with an installed transport, else None."""
    transport, colon, rest = text.partition(":")
    if not colon:
        return None
    known = {entry.name for entry in engine.plugins.available("transport")}
    if transport in known and (transport != "docker" or rest.startswith("//")):
        return transport, rest
    return None
