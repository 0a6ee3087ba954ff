"""Where an image goes: the place that it gets below the destination of a `sync`."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from rundlet.core.errors import AlreadyExists

if TYPE_CHECKING:
    from rundlet.core.contracts.transport import ImageTransport, Location


def target(
    transport: ImageTransport, destination: str, suffix: str, *, scoped: bool, append: str
) -> Location:
    """The location of one image: the last part of its suffix, or with `scoped` all of it.

    append: ends its tag; an image that is copied by its digest has none.
    Raises AlreadyExists for a directory that is there, InvalidArgument for a name that the
    destination cannot have.
    """
    below = suffix if scoped else posixpath.basename(suffix)
    append = "" if "@" in below else append
    if transport.name == "oci":
        return transport.parse(f"{destination}:{below}{append}")
    place = posixpath.normpath(posixpath.join(destination, below)) + append
    if transport.name == "docker":
        return transport.parse(f"//{place}")
    if os.path.lexists(place):
        raise AlreadyExists(
            f'Refusing to overwrite destination directory "{place}"',
            remedy="Remove it, or sync to another directory.",
        )
    return transport.parse(place)
