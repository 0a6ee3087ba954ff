"""Volumes whose owners are counted by id maps: what belongs to 0 on disk belongs to the pod's 0.

Each is an idmapped mount of its own, below the pod's run directory, for as long as the container
is there. The OCI runtime only binds it: the ones of Debian 12 do not do it themselves.
"""

from __future__ import annotations

import os

from rundlet.core import Engine
from rundlet.core.contracts.storage import MountOptions
from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.storage.idmap import check, mount_shifted

from ..pods import namespaces, users
from ..pods.paths import Paths
from ..proto import api_pb2 as cri
from .record import mark


def mount(engine: Engine, pod: str, name: str, source: str, wanted: cri.Mount) -> str:
    """Show `source` with the owners that a Mount's mappings say; the path of that view.

    Raises InvalidArgument for mappings that cannot be, NotSupported where the file system of
    the source cannot be mounted so.
    """
    uids, gids = users.rows(wanted.uidMappings), users.rows(wanted.gidMappings)
    if not uids or not gids:
        raise InvalidArgument(
            f"mount {wanted.container_path}: uidMappings and gidMappings go together"
        )
    check(MountOptions(uid_map=uids, gid_map=gids))
    path = place(engine, pod, name, directory=os.path.isdir(source))
    try:
        mount_shifted(source, path, uids, gids, recursive=True)
    except OSError as error:
        raise NotSupported(
            f"mount {wanted.container_path}: {source} cannot be mounted with other owners:"
            f" {error.strerror}",
            remedy="its file system, or this kernel, has no idmapped mounts",
        ) from error
    return path


def place(engine: Engine, pod: str, name: str, *, directory: bool = True) -> str:
    """A new directory, or file, to mount something on for a container of this name."""
    below = f"{Paths(engine, pod).mounts}/{mark(name)}"
    os.makedirs(below, mode=0o711, exist_ok=True)
    path = f"{below}/{len(os.listdir(below))}"
    if directory:
        os.mkdir(path)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o600))
    return path


def unmount(engine: Engine, pod: str, name: str) -> None:
    """Undo `mount` for all volumes of a container; nothing happens when there are none."""
    _clear(f"{Paths(engine, pod).mounts}/{mark(name)}")


def clear(engine: Engine, pod: str) -> None:
    """Undo what is left of all containers of a pod: a killed server forgot some."""
    directory = Paths(engine, pod).mounts
    try:
        containers = os.listdir(directory)
    except FileNotFoundError:
        return
    for container in containers:
        _clear(f"{directory}/{container}")
    os.rmdir(directory)


def _clear(directory: str) -> None:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        namespaces.unpin(f"{directory}/{name}")
    os.rmdir(directory)
