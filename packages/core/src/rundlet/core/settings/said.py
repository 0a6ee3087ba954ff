"""Where a setting was said, for messages about its value."""

from __future__ import annotations

import os

from .places import find
from .toml_file import read_toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..commands.context import Parsed


def storage_driver(options: Parsed) -> str:
    """The flag, the variable, or the file and key that chose the storage driver."""
    return next(_storage_driver(options), "storage_driver")


def _storage_driver(options: Parsed) -> Iterator[str]:
    """Strongest first, as `settings.load` reads them."""
    if "storage-driver" in options.given:
        yield "--storage-driver"
    yield from (name for name in ("RUNDLET_STORAGE_DRIVER", "STORAGE_DRIVER") if name in os.environ)
    places = find(os.environ)
    for path in reversed(places.rundlet):
        if "storage_driver" in read_toml(path):
            yield f"{path}: storage_driver"
    for path in reversed(places.storage):
        if "driver" in read_toml(path).get("storage", {}):
            yield f"{path}: storage.driver"
