"""What the ImageService does with the engine; each function runs in a worker thread."""

from __future__ import annotations

import json
import os
import time

from rundlet.core import Engine
from rundlet.core.contracts.storage import LayerUsage
from rundlet.core.errors import (
    InUse,
    InvalidArgument,
    NoSuchImage,
    NotFound,
    RundletError,
)
from rundlet.core.state import images as rows
from rundlet.core.state.images import Image
from rundlet.core.storage import image_store

from ..proto import api_pb2 as cri
from . import values


def listed(engine: Engine, wanted: str) -> list[cri.Image]:
    """All images, or the one that the filter names."""
    if wanted:
        found = engine.images.find(wanted)
        return [values.image(engine, found)] if found is not None else []
    return [values.image(engine, one) for one in rows.every(engine.database)]


def listing(engine: Engine, wanted: str) -> cri.ListImagesResponse:
    """`listed` as an answer."""
    return cri.ListImagesResponse(images=listed(engine, wanted))


def status(engine: Engine, wanted: str, verbose: bool) -> cri.ImageStatusResponse:
    """One image; an empty answer when it is not there (the CRI's way to say so)."""
    found = engine.images.find(_named(wanted))
    if found is None:
        return cri.ImageStatusResponse()
    answer = cri.ImageStatusResponse(image=values.image(engine, found))
    if verbose:
        config = json.loads(engine.blobs.read(f"sha256:{found.id}"))
        answer.info["info"] = json.dumps({"imageSpec": config})
    return answer


def remove(engine: Engine, name: str) -> None:
    """Take a name away, and the image with its last one; by id with all. Idempotent.

    Also a pinned one: that word is for kubelet's garbage collection (api.proto, Image.pinned).
    Raises InUse for an image of a container, WrongState for one of an additional image store.
    """
    image = engine.images.find(_named(name))
    if image is None:
        return
    by_id = image.id.startswith(name.removeprefix("sha256:"))
    if by_id:
        _check_unused(engine, image)
    try:
        if by_id and len(image.names) > 1 and not image.store:
            engine.images.untag(image.id, *image.names[1:])
        engine.images.remove(image.id if by_id else name)
    except (NoSuchImage, NotFound):
        return


def _check_unused(engine: Engine, image: Image) -> None:
    users = [container for container, _, _ in rows.users(engine.database, image.id)]
    if users:
        raise InUse(f"image {image.id[:12]} is used by containers: {', '.join(users)}")


def usage(engine: Engine) -> cri.ImageFsInfoResponse:
    """What blobs and layers take; containers' layers are on the same file system, but for a
    graph root that has an image store.
    """
    used = engine.database.row(
        "SELECT (SELECT coalesce(sum(size), 0) FROM blobs), coalesce(sum(size), 0),"
        " coalesce(sum(inodes), 0), (SELECT count(*) FROM blobs) FROM layers"
    ) or (0, 0, 0, 0)
    blobs, layers, inodes, files = (int(number) for number in used)
    now = time.time_ns()
    root, store = engine.settings.graph_root, image_store.of(engine)
    os.makedirs(root, exist_ok=True)
    images = cri.FilesystemUsage(
        timestamp=now,
        fs_id=cri.FilesystemIdentifier(mountpoint=root if store is None else store.path),
        used_bytes=cri.UInt64Value(value=blobs + layers),
        inodes_used=cri.UInt64Value(value=inodes + files),
    )
    containers = cri.FilesystemUsage()
    containers.CopyFrom(images)
    if store is not None:
        containers.fs_id.mountpoint = root
        taken = _writable(engine)
        containers.used_bytes.value = sum(one.size for one in taken)
        containers.inodes_used.value = sum(one.inodes for one in taken)
    return cri.ImageFsInfoResponse(image_filesystems=[images], container_filesystems=[containers])


def _writable(engine: Engine) -> list[LayerUsage]:
    """What containers have written."""
    found = []
    for (layer,) in engine.database.rows("SELECT layer FROM containers WHERE layer != ''"):
        try:
            found.append(engine.layers.usage(layer))
        except (RundletError, OSError):
            continue  # it is being made, or removed
    return found


def _named(name: str) -> str:
    if not name:
        raise InvalidArgument("the image is not named")
    return name
