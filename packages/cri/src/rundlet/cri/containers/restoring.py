"""Containers that are written to an archive, and made from one (Kubernetes' forensic checkpoints).

The archive is CRI-O's (core's containers/checkpoint/archive.py). A container is made from it by an
image that is the archive's path, as with CRI-O, and goes on when it is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rundlet.core import Engine
from rundlet.core.containers.checkpoint import archive, dump, restore
from rundlet.core.containers.checkpoint.archive import Archive
from rundlet.core.containers.checkpoint.files import Files
from rundlet.core.errors import InvalidArgument, NoSuchImage
from rundlet.core.state.containers import Container

from ..proto import api_pb2 as cri
from . import record


def checkpoint(engine: Engine, identity: str, location: str) -> None:
    """Write a running container, which goes on, to a new file.

    Raises WrongState, NotSupported with the reason, InvalidArgument, RuntimeFailed, NoSpace.
    """
    made = record.find(engine, identity)
    if not location.startswith("/"):
        raise InvalidArgument(f"CheckpointContainer: location {location!r} is no absolute path")
    dump.checkpoint(
        engine,
        made.row,
        dump.Options(leave_running=True, export=location, compression="none", ignore_volumes=True),
    )


def named(config: cri.ContainerConfig) -> str:
    """The archive that an image's name is the path of; "" for an image."""
    path = config.image.image
    return path if path.startswith("/") and os.path.isfile(path) else ""


@contextmanager
def unpacked(engine: Engine, path: str) -> Iterator[Archive | None]:
    """What is in an archive, unpacked while inside; None for no archive."""
    if not path:
        yield None
        return
    with archive.scratch(engine) as directory:
        yield archive.unpack(path, directory)


def with_image(
    engine: Engine, config: cri.ContainerConfig, found: Archive | None
) -> cri.ContainerConfig:
    """The configuration with the image that the container was made of. Raises NoSuchImage."""
    if found is None:
        return config
    if engine.images.find(found.image) is None:
        raise NoSuchImage(found.image)
    changed = cri.ContainerConfig()
    changed.CopyFrom(config)
    changed.image.image = found.image
    return changed


def adopt(engine: Engine, row: Container, found: Archive | None) -> None:
    """Give a container that was made what the archive has."""
    if found is not None:
        restore.adopt(engine, row, found)


def start(engine: Engine, row: Container) -> None:
    """Start a container, or let it go on from its checkpoint."""
    if Files(engine, row.id).there():
        engine.containers.restore(row.id, restore.Options())
    else:
        engine.containers.start(row.id)
