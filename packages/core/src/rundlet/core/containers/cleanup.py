"""After the exit: all that a start made is released, and the row tells the end.

Done once per run by whoever comes first: the foreground process, `stop`, `rm`, or the
exit command. Every step succeeds for what is not there, so it also clears what a killed
`start` left.

A server that runs pods must not pay a process for each exit: there the OCI runtime keeps what it
knows of a container that has ended, and its empty cgroup, until that is removed or started again
(CRI-O does the same: `delete` is run by RemoveContainer).
"""

from __future__ import annotations

import os
import time

from ..errors import NoSuchContainer, RundletError
from ..state import containers as rows
from . import ending, network, notify, overlays, rootfs, shm, strays, volumes
from .paths import Paths
from .state import LIVE, derive, has_process
from .stored import request_of
from .trees import unlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


def cleanup(engine: Engine, container: str, *, remove: bool = False) -> Container | None:
    """Clean up after a container's process, if that has ended and nobody did it yet.

    remove: remove the container too, as also one with auto_remove is.
    Returns the row as it is now, None when it was removed. Raises NoSuchContainer, and
    what a network plugin or the storage raises; a second call then goes on from there.
    """
    with engine.locks.hold("container", container):
        row = rows.by_id(engine.database, container)
        if row is None:
            raise NoSuchContainer(container)
        if has_process(row):
            return derive(engine, row)
        wanted = remove or bool(row.auto_remove and row.status in LIVE)
        if needed(engine, row) or (wanted and known(engine, row)):
            row = finish(engine, row, removing=wanted)
        if wanted:
            from .remove import discard

            # From here on it is of no use: after a kill the next command removes the rest.
            rows.update(engine.database, container, status="removing", exit_code=row.exit_code)
            discard(engine, row)
        else:
            return row
    if '"auto_remove_image"' in row.request:
        from .auto_remove import remove_image

        remove_image(engine, row)  # not under the container's lock, as images have their own
    return None


def needed(engine: Engine, row: Container) -> bool:
    """Whether anything of a run is left: in the row, in the run directory, or of the network."""
    live = Paths(engine, row.id).live
    return row.status in LIVE or bool(row.network) or os.path.exists(live)


def known(engine: Engine, row: Container) -> bool:
    """Whether its runtime still knows a container that has ended and was cleaned up after."""
    return os.path.exists(Paths(engine, row.id).known)


def finish(engine: Engine, row: Container, *, removing: bool = False) -> Container:
    """Release what a run held and note its end. The process has ended; the lock is held.

    removing: the row is about to go, so its end is told, not written.
    """
    was_live = row.status in LIVE
    if was_live:
        ending.wait_exit_file(engine, row)
    ended = derive(engine, row)
    finished = ended.finished if ended.finished > row.started else time.time_ns()
    ended = ended.replace(finished=finished) if was_live else ended
    release(engine, row, forget=removing or not _may_stay(engine, row))
    if not was_live:
        return rows.by_id(engine.database, row.id) or ended
    if not removing:
        rows.update(
            engine.database,
            row.id,
            status="exited",
            pid=0,
            pid_start=0,
            monitor_pid=0,
            monitor_start=0,
            exit_code=ended.exit_code,
            oom_killed=ended.oom_killed,
            finished=ended.finished,
            network="",
        )
    ended = ended.replace(network="", monitor_pid=0, monitor_start=0, pid_start=0)
    killed = {"OOMKilled": "true"} if ended.oom_killed else {}
    with engine.database.transaction():
        notify.event(engine, ended, "died", containerExitCode=str(ended.exit_code), **killed)
        if not removing:
            notify.event(engine, ended, "cleanup")
    if notify.listeners(engine):
        engine.plugins.call(
            "rundlet_container_stopped",
            container=notify.view(engine, ended),
            exit_code=ended.exit_code,
        )
    return ended


def _may_stay(engine: Engine, row: Container) -> bool:
    """Whether the runtime may go on knowing an ended container: of a pod, and nothing of it runs.

    With its first process all of its own pid namespace have ended (pid_namespaces(7)).
    """
    if not row.pod or not engine.plugins.runtime(row.runtime).keeps_ended:
        return False
    return request_of(row.request).pid == "private" or not strays.in_cgroup(engine, row)


def release(engine: Engine, row: Container, *, forget: bool = True) -> None:
    """Give back all that a start took: runtime, network, mounts, marks. Idempotent.

    forget: whether the runtime forgets the container, too. Everything is tried; the first error
    is raised at the end, and the mark stays then.
    """
    paths = Paths(engine, row.id)
    problems = []
    for step in (_delete, _detach, _unmount) if forget else (_detach, _unmount):
        try:
            step(engine, row, paths)
        except (RundletError, OSError) as error:
            problems.append(error)
    if problems:
        raise problems[0]
    if forget:
        unlink(paths.known)
        unlink(paths.live)
    elif os.path.exists(paths.live):
        os.rename(paths.live, paths.known)


def _delete(engine: Engine, row: Container, paths: Paths) -> None:
    if row.status in LIVE or os.path.exists(paths.live) or os.path.exists(paths.known):
        engine.plugins.runtime(row.runtime).delete(row.id, force=True)
        if '"split"' in row.request and request_of(row.request).cgroups == "split":
            strays.leave_split(engine, row)


def _detach(engine: Engine, row: Container, paths: Paths) -> None:
    network.detach(engine, row.id)


def _unmount(engine: Engine, row: Container, paths: Paths) -> None:
    if not os.path.exists(paths.mounted):
        rootfs.unmount(engine, row)
    volumes.unmount(engine, row.id)
    overlays.unmount(engine, row)
    shm.unmount(engine, row)
    volumes.unmount_images(engine, row)
