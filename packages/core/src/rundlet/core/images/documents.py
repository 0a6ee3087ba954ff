"""JSON documents of images come from outside: what is wrong with one is said in people's words."""

from __future__ import annotations

from .. import json
from ..errors import Corrupt, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine
    from ..state.images import Image


def read(data: bytes, what: str) -> Any:
    """The document. Raises Corrupt that begins with `what`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Corrupt(f"{what} is not JSON") from None


def read_object(data: bytes, what: str) -> dict[str, Any]:
    """The document, which is to be an object. Raises Corrupt that begins with `what`."""
    document = read(data, what)
    if not isinstance(document, dict):
        raise Corrupt(f"{what} is not a JSON object")
    return document


def manifest_of(engine: Engine, image: Image) -> dict[str, Any]:
    """The manifest of an image of the store. Raises Corrupt when its blob is damaged or gone."""
    try:
        return read_object(engine.blobs.read(image.manifest), "image manifest")
    except (NotFound, Corrupt) as error:
        raise damaged(image, error) from error


def damaged(image: Image, error: NotFound | Corrupt) -> Corrupt:
    """What is wrong with an image of the store, which its user can mend."""
    return Corrupt(
        f"image {' '.join((*image.names[:1], image.id[:12]))} is damaged: {error.message}",
        remedy="Pull or load it again, or remove it: rundlet system check --repair",
    )
