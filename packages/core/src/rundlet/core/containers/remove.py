"""A container is removed; with force in every state, whatever was left by whom."""

from __future__ import annotations

import os

from ..errors import Busy, NoSuchContainer, RundletError, WrongState
from ..linux.processes import alive
from ..state import containers as rows
from . import cleanup, id_files, joined, notify, rootfs, strays
from .attending import Attending
from .paths import Paths
from .state import attended, boot_id, derive, has_process
from .stop import end
from .stored import request_of
from .trees import remove_tree, unlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


_RUNNING = 2  # podman rm's exit code for a container that runs


def remove(
    engine: Engine,
    row: Container,
    *,
    force: bool = False,
    volumes: bool = False,
    timeout: float | None = None,
    needed: bool = False,
    waiting: bool = False,
) -> None:
    """Remove a container.

    force: stop it first where it runs (`timeout` seconds to end by itself; None: its own
    stop timeout), and go on over all that cannot be released. volumes: its anonymous
    volumes too. needed: also one that others need. waiting: also one whose process waits for
    its start, unless somebody starts it by now. Raises WrongState for a running one
    without force, NoSuchContainer, AlreadyExists when others need it.
    """
    if _is_made_elsewhere(row):
        raise WrongState(f"container {row.id} is being created by process {row.pid}")
    if not needed:
        joined.check_unneeded(engine, row)
    if waiting:
        with engine.locks.hold("container", row.id):
            _remove(engine, row, force=_waits(engine, row), volumes=volumes)
        return
    true = derive(engine, row)
    runs = has_process(true)
    if runs and not force:
        error = WrongState(
            f"cannot remove container {row.id} as it is {true.status} -"
            " running or paused containers cannot be removed without force:"
            " container state improper",
        )
        error.exit_code = _RUNNING
        raise error
    with Attending(Paths(engine, row.id), starting=False):
        if runs:
            end(engine, true, timeout)
        with engine.locks.hold("container", row.id):
            _remove(engine, row, force=force, volumes=volumes)
    if runs and '"auto_remove_image"' in row.request:
        from .auto_remove import remove_image

        remove_image(engine, row)


def _waits(engine: Engine, row: Container) -> bool:
    """Whether its process waits for its start, which nobody is at. Its lock is held."""
    fresh = rows.by_id(engine.database, row.id)
    if fresh is None or derive(engine, fresh).status != "initialized":
        return False
    return not attended(Paths(engine, row.id))


def _is_made_elsewhere(row: Container) -> bool:
    """Whether another process is creating it. Our own row of that kind is of work that failed."""
    if row.status != "creating" or row.pid == os.getpid():
        return False
    return row.boot == boot_id() and alive(row.pid, row.pid_start)


def _remove(engine: Engine, row: Container, *, force: bool, volumes: bool) -> None:
    fresh = rows.by_id(engine.database, row.id)
    if fresh is None:
        if force or row.auto_remove:
            return  # its exit command was faster
        raise NoSuchContainer(row.name)
    if has_process(fresh):
        if not force:
            raise WrongState(f"container {row.id} was started again meanwhile")
        engine.plugins.runtime(fresh.runtime).delete(fresh.id, force=True)
    code = derive(engine, fresh).exit_code  # for who waits now
    rows.update(engine.database, row.id, status="removing", exit_code=code)
    ended = release(engine, fresh, force=force)
    discard(engine, ended, volumes=volumes or bool(fresh.auto_remove))


def release(engine: Engine, row: Container, *, force: bool) -> Container:
    """Give back what a run of it holds; the row as it is then. force: go on over what cannot be."""
    if force:
        strays.end_monitors(engine, row)
    if not cleanup.needed(engine, row) and not cleanup.known(engine, row):
        return row
    try:
        return cleanup.finish(engine, row, removing=True)
    except (RundletError, OSError):
        if not force:
            raise
        strays.clear_cgroup(engine, row)
        return row


def discard(engine: Engine, row: Container, *, volumes: bool = True) -> None:
    """Delete what outlives a run: layer, directories, row; and with `volumes`, anonymous volumes.

    The container's lock is held and nothing of it runs.
    """
    paths = Paths(engine, row.id)
    if row.layer:
        engine.layers.remove(row.layer)
    elif '"rootfs_' in row.request:
        rootfs.unmount(engine, row)
        remove_tree(paths.root)
    names = [name for name, _, anonymous in rows.volumes(engine.database, row.id) if anonymous]
    remove_tree(paths.bundle)
    remove_tree(paths.run)
    if "cidfile" in row.request:
        id_files.forget(request_of(row.request), row.id)
    unlink(paths.exit_file)  # late: `wait` reads it
    rows.delete(engine.database, row.id)
    if volumes:
        for name in names:
            _remove_volume(engine, name)
    ended = {"containerExitCode": str(row.exit_code)} if row.started else {}
    notify.event(engine, row, "remove", **ended)
    if notify.listeners(engine):
        engine.plugins.call("rundlet_container_removed", container=notify.view(engine, row))


def _remove_volume(engine: Engine, name: str) -> None:
    try:
        engine.volumes.remove(name)
    except (RundletError, Busy):
        pass  # another container uses it by now (--volumes-from)
