"""`commit --config FILE`: fields of an image config, as JSON."""

from __future__ import annotations

import json

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(path: str) -> dict[str, Any]:
    """The object in a file; {} for no file. Raises InvalidArgument."""
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"--config {path}: {error}") from None
    if not isinstance(found, dict):
        raise InvalidArgument(f"--config {path}: not a JSON object")
    return found
