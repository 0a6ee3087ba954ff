"""Image volumes: images mounted read-only, for as long as a container is there.

The engine counts who has an image mounted; the mark is the container's unique name, which is
known before the container is made.
"""

from __future__ import annotations

import os

from rundlet.core import Engine
from rundlet.core.errors import InvalidArgument
from rundlet.core.images import mounting

from ..proto import api_pb2 as cri
from . import record


def mount(engine: Engine, wanted: cri.Mount, name: str) -> str:
    """Mount the image of a volume; the path to bind. Raises NoSuchImage, InvalidArgument."""
    path = mounting.mount(engine, engine.images.get(wanted.image.image), record.mark(name))
    if not wanted.image_sub_path:
        return path
    found = os.path.realpath(f"{path}/{wanted.image_sub_path}")
    if not found.startswith(f"{os.path.realpath(path)}/") or not os.path.exists(found):
        raise InvalidArgument(
            f"mount {wanted.container_path}: image_sub_path {wanted.image_sub_path!r}"
            " is not in the image"
        )
    return found


def unmount(engine: Engine, name: str) -> None:
    """Undo `mount` for all volumes of a container; nothing happens when there are none."""
    mounting.release(engine, record.mark(name))
