"""Volumes of the driver `image`: a writable layer over an image, bound to the volume's directory.

(podman-volume-create(1).) The image cannot be removed while the volume is there.
"""

from __future__ import annotations

import os

from ..errors import Corrupt
from ..linux.mounts import is_mounted
from ..linux.syscalls import MS_BIND
from ..linux.syscalls import mount as mount_call
from ..state import images as rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.images import Image
    from ..state.volumes import Volume


def over(volume: Volume, image: Image) -> Volume:
    """The volume as one over an image, with an id for its layer; nothing is copied up to it."""
    return volume.replace(image=image.id, layer=os.urandom(32).hex(), copied_up=True)


def make(engine: Engine, volume: Volume) -> None:
    """Make the layer, unless it is there. The volume's lock is held, and its row written."""
    if not engine.layers.driver.exists(volume.layer):
        engine.layers.create(volume.layer, _top(engine, volume))


def mount(engine: Engine, volume: Volume, path: str) -> None:
    """Show the layer over its image at the volume's directory, unless it is there."""
    if is_mounted(path):
        return
    make(engine, volume)
    mount_call(engine.layers.mount(volume.layer, _top(engine, volume)), path, flags=MS_BIND)


def _top(engine: Engine, volume: Volume) -> str:
    """The image's top layer, "" for one without layers. Raises Corrupt without the image."""
    image = rows.get(engine.database, volume.image)
    if image is None:
        raise Corrupt(
            f"volume {volume.name}: its image {volume.image} is gone",
            remedy="Remove the volume: `volume rm`.",
        )
    return image.top_layer or ""
