"""/dev/shm of a container that joins another's IPC namespace (`--ipc container:NAME`).

POSIX shared memory and semaphores are files there (shm_overview(7)): it is the other's own, which
stays while one of the two runs.
"""

from __future__ import annotations

import os

from ..errors import RuntimeFailed
from ..linux import syscalls
from ..state import containers as rows
from .paths import Paths
from .state import derive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

_CONTAINER = "container:"


def mount(engine: Engine, row: Container, request: ContainerRequest) -> str:
    """Where the other's is mounted for this container; "" where there is no other, or none.

    Raises NoSuchContainer, RuntimeFailed.
    """
    if not request.ipc.startswith(_CONTAINER):
        return ""
    from ..linux import mount_api

    other = derive(engine, rows.find(engine.database, request.ipc.removeprefix(_CONTAINER)))
    place = Paths(engine, row.id).shm
    try:
        mounted = mount_api.copy_of(other.pid, "/dev/shm")
        os.makedirs(place, mode=0o700, exist_ok=True)
        mount_api.attach(mounted, place)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise RuntimeFailed(f"/dev/shm of container {other.id}: {error.strerror}") from error
    return place


def unmount(engine: Engine, row: Container) -> None:
    """Take it away from this container; nothing where it has none of another's."""
    place = Paths(engine, row.id).shm
    try:
        syscalls.unmount(place, syscalls.MNT_DETACH)
    except OSError:  # it was not mounted
        pass
    try:
        os.rmdir(place)
    except FileNotFoundError:
        pass
