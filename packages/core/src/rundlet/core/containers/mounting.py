"""The root file system of a container for people and tools: mount, unmount, and for a moment.

A running container's root is mounted anyway. Another one is mounted for whom asks, and
released when nobody needs it: not the run, nor the mark that `mount` leaves until
`unmount`, nor a process that copies (a shared flock on `Paths.using`).
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager

from ..errors import NoSuchContainer, WrongState
from ..state import containers as rows
from . import cleanup, notify, rootfs
from .paths import Paths
from .state import has_process, held
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import Container


def mount(engine: Engine, row: Container) -> str:
    """Mount until `unmount`; the path of the root directory (podman-mount(1))."""
    path = _mount(engine, row)
    notify.event(engine, row, "mount")
    return path


def _mount(engine: Engine, row: Container) -> str:
    paths = Paths(engine, row.id)
    with engine.locks.hold("container", row.id):
        path = rootfs.mount(engine, row, request_of(row.request))
        os.makedirs(paths.run, mode=0o700, exist_ok=True)
        os.close(os.open(paths.mounted, os.O_CREAT | os.O_CLOEXEC, 0o600))
    return path


def unmount(engine: Engine, row: Container, *, force: bool = False) -> None:
    """Undo `mount`. Raises WrongState for a running container, which force leaves mounted too."""
    if has_process(row) and not force:
        raise WrongState(
            f"cannot unmount storage of container {row.id} as it is running", remedy="stop it first"
        )
    with engine.locks.hold("container", row.id):
        try:
            os.unlink(Paths(engine, row.id).mounted)
        except FileNotFoundError:
            pass
        else:
            notify.event(engine, row, "unmount")
        _release(engine, row)


def is_mounted(engine: Engine, row: Container) -> bool:
    """Whether `mount` was called for a container, and `unmount` not yet."""
    return os.path.exists(Paths(engine, row.id).mounted)


def listed(engine: Engine) -> list[tuple[Container, str]]:
    """Containers whose root `mount` mounted, and where."""
    found = [rows.by_id(engine.database, row.id) for row in rows.everything(engine.database)]
    return [
        (row, _mount(engine, row)) for row in found if row is not None and is_mounted(engine, row)
    ]


@contextmanager
def mounted(engine: Engine, row: Container) -> Iterator[str]:
    """The root directory's path, mounted at least until the context ends."""
    paths = Paths(engine, row.id)
    with engine.locks.hold("container", row.id):
        fresh = rows.by_id(engine.database, row.id)
        if fresh is None:
            raise NoSuchContainer(row.name)
        path = rootfs.mount(engine, row, request_of(row.request))
        os.makedirs(paths.run, mode=0o700, exist_ok=True)
        using = os.open(paths.using, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(using, fcntl.LOCK_SH)
    try:
        yield path
    finally:
        os.close(using)
        with engine.locks.hold("container", row.id):
            _release(engine, row)


def _release(engine: Engine, row: Container) -> None:
    """Unmount what nobody needs any more. The container's lock is held."""
    fresh = rows.by_id(engine.database, row.id)
    if fresh is None or has_process(fresh) or cleanup.needed(engine, fresh):
        return
    if is_mounted(engine, row) or held(Paths(engine, row.id).using, fcntl.LOCK_EX):
        return
    rootfs.unmount(engine, row)
