"""Image volumes: images mounted read-only, for as long as a container is there.

The engine counts who has an image mounted; the mark is the container's unique name, which is
known before the container is made.
"""

from __future__ import annotations

import logging
import os

from rundlet.core import Engine
from rundlet.core.contracts.storage import MountOptions
from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.images import mounting
from rundlet.core.state.images import Image

from ..images import values as images
from ..pods import users
from ..pods.record import Pod
from ..proto import api_pb2 as cri
from . import record, shifted

LOG = logging.getLogger("rundlet.cri")


def resolved(engine: Engine, config: cri.ContainerConfig) -> cri.ContainerConfig:
    """The configuration with the images of its volumes by id, and with their image_ref: a name
    may be another image's soon. Raises NoSuchImage.
    """
    if not any(volume.image.image for volume in config.mounts):
        return config
    changed = cri.ContainerConfig()
    changed.CopyFrom(config)
    for volume in changed.mounts:
        if volume.image.image:
            image = engine.images.get(volume.image.image)
            volume.image.image_ref = images.reference(image, volume.image)
            volume.image.image = image.id
    return changed


def references(config: cri.ContainerConfig) -> dict[str, str]:
    """Where the image volumes of a resolved configuration are, to what their images are."""
    return {one.container_path: one.image.image_ref for one in config.mounts if one.image.image}


def mount(engine: Engine, pod: Pod, wanted: cri.Mount, name: str) -> str:
    """Mount the image of a volume; the path to bind. Raises NoSuchImage, InvalidArgument.

    In a pod with a user namespace what belongs to 0 in the image belongs to the pod's 0, where
    this node can show it so; else it is nobody's there, and only read as such.
    """
    image, who = engine.images.get(wanted.image.image), record.mark(name)
    path = _shifted(engine, pod, image, name) or mounting.mount(engine, image, who)
    if not wanted.image_sub_path:
        return path
    found = os.path.realpath(f"{path}/{wanted.image_sub_path}")
    if not found.startswith(f"{os.path.realpath(path)}/") or not os.path.exists(found):
        raise InvalidArgument(
            f"mount {wanted.container_path}: image_sub_path {wanted.image_sub_path!r}"
            " is not in the image"
        )
    return found


def _shifted(engine: Engine, pod: Pod, image: Image, name: str) -> str:
    """A mount of its own with the pod's owners; "" for a pod with the node's, and where that
    cannot be."""
    uids, gids = users.maps(pod.sandbox)
    if not uids:
        return ""
    path = shifted.place(engine, pod.id, name)
    try:
        maps = MountOptions(read_only=True, uid_map=uids, gid_map=gids)
        mounting.view(engine, image, record.mark(name), path, maps)
    except NotSupported as error:
        LOG.warning("image volume %s: %s", image.id, error)
        return ""
    return path


def unmount(engine: Engine, name: str) -> None:
    """Undo `mount` for all volumes of a container; nothing happens when there are none."""
    mounting.release(engine, record.mark(name))
