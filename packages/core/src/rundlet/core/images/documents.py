"""JSON documents of images come from outside: what is wrong with one is said in people's words."""

from __future__ import annotations

from .. import json
from ..errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
