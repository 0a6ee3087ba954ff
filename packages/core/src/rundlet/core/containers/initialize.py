"""A container is created in its runtime: its process waits then for a start.

Step by step, each undone by its twin if a later one fails.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

from ..cgroups.ahead import pay_ahead
from ..cgroups.layout import layout
from ..contracts.monitor import MonitorJob
from ..errors import NoSuchContainer, RundletError, WrongState
from ..linux import null_device
from ..linux.processes import start_time
from ..state import containers as rows
from ..value import Value
from . import (
    accounts,
    bundle,
    cleanup,
    files,
    helpers,
    id_files,
    log_driver,
    neighbours,
    network,
    notify,
    overlays,
    rootfs,
    sdnotify,
    shm,
    strays,
    volumes,
)
from .attending import Attending
from .exit_command import exit_command
from .paths import Paths
from .state import LIVE, attended, boot_id, derive
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.monitor import Monitored
    from ..contracts.network import NetworkRequest
    from ..contracts.runtime import OCIRuntime
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


class Restoring(Value):
    """A container that goes on where a checkpoint was made: CRIU's files, options of the
    runtime's `restore`, and the networks to join instead of the request's (() for those)."""

    image: str
    options: tuple[str, ...] = ()
    networks: tuple[NetworkRequest, ...] = ()


def initialize(engine: Engine, row: Container) -> Container:
    """Create a container in its runtime, without starting its process (podman-init(1)).

    One that is initialized already stays so. Raises as `start`.
    """
    with engine.locks.hold("container", row.id):
        fresh = rows.by_id(engine.database, row.id)
        if fresh is None:
            raise NoSuchContainer(row.name)
        row = startable(engine, fresh)
        if row.status == "initialized":
            return row
        with ExitStack() as undo:
            with begin(engine, row, undo):
                row, warnings = make(engine, row, request_of(row.request), (0, 0), undo)
            undo.pop_all()
    bundle.warn(warnings)
    notify.event(engine, row, "init")
    return row


def startable(engine: Engine, row: Container) -> Container:
    """The row, with what an earlier run or a killed starter left cleared away."""
    true = derive(engine, row)
    if true.status == "initialized" and _waits(engine, true):
        return true
    if true.status == "paused":
        raise WrongState(
            f"container {row.id} is paused: container state improper", remedy="unpause it first"
        )
    if true.status in ("initialized", "running", "stopping"):
        raise WrongState(f"container {row.id} is already {true.status}")
    if true.status not in ("created", "exited"):
        raise WrongState(f"container {row.id} is {true.status} and cannot be started")
    if row.status in LIVE:  # its process has ended, and nobody has noted that yet
        row = cleanup.finish(engine, row)
    if cleanup.needed(engine, row) or cleanup.known(engine, row):
        strays.end_monitors(engine, row)
        cleanup.release(engine, row)
        return rows.by_id(engine.database, row.id) or row
    return row


def _waits(engine: Engine, row: Container) -> bool:
    """Whether the runtime has created the container, and nobody is about to start it."""
    if attended(Paths(engine, row.id)):
        return False
    found = engine.plugins.runtime(row.runtime).state(row.id)
    return found is not None and found.status == "created"


def begin(engine: Engine, row: Container, undo: ExitStack) -> Attending:
    """Mark the container as one that has something to clean up, which is ours to do meanwhile."""
    paths = Paths(engine, row.id)
    _mark(engine, paths)
    undo.callback(_unmark, paths)
    return Attending(paths, starting=True)


def make(
    engine: Engine,
    row: Container,
    request: ContainerRequest,
    console: tuple[int, int],
    undo: ExitStack,
    restoring: Restoring | None = None,
) -> tuple[Container, tuple[str, ...]]:
    """Everything up to a process that waits to be started; each step is undone by its twin."""
    if restoring is not None and restoring.networks:
        request = request.replace(networks=restoring.networks)
    ignored: tuple[str, ...] = ()
    if "LISTEN_FDS" in os.environ:
        from .listening import with_sockets

        request, ignored = with_sockets(request)
    paths = Paths(engine, row.id)
    runtime = engine.plugins.runtime(row.runtime)
    sdnotify.check(request, runtime, row.id)
    root = rootfs.mount(engine, row, request)
    undo.callback(rootfs.unmount, engine, row)
    with network.owner(engine, request) as users:
        if users is not None:
            request = request.replace(userns=f"ns:{users.file('user')}")
        net = network.attach(engine, row, request, users)
        undo.callback(network.detach, engine, row.id)
        if request.cgroups != "split":  # which moves us itself
            pay_ahead()
        made = files.write(engine, row, request, net, root)
        made |= accounts.write(engine, row, request, root)
        undo.callback(volumes.unmount_images, engine, row)
        undo.callback(overlays.unmount, engine, row)
        undo.callback(shm.unmount, engine, row)
        warnings = bundle.write(engine, row, request, runtime, root, net, made, console)
        try:
            monitored = _create(engine, row, request, runtime, paths, restoring)
        except BaseException:
            # On a full disk, or killed because it hung, a runtime leaves what bars the next try.
            with suppress(RundletError):
                _undo_create(engine, row, runtime)
            raise
        finally:
            null_device.restore()
    undo.callback(_undo_create, engine, row, runtime)
    id_files.write_pids(request, monitored)
    sdnotify.created(request, monitored)
    row = _note_created(engine, row, monitored)
    undo.callback(note_not_created, engine, row)
    if log_driver.rotates(engine, request):
        _rotate(engine, row, request, paths)
    return row, (*ignored, *warnings)


def _rotate(engine: Engine, row: Container, request: ContainerRequest, paths: Paths) -> None:
    from . import rotation

    path = log_driver.path(request, paths)
    size, count = log_driver.size_max(engine, request), log_driver.file_max(request)
    rotation.begin(engine, row, size, count, path)


def _mark(engine: Engine, paths: Paths) -> None:
    """The run directory, and the mark that there is something to clean up."""
    neighbours.note(engine)
    os.makedirs(paths.run, mode=0o700, exist_ok=True)
    os.makedirs(paths.exits, mode=0o700, exist_ok=True)
    os.close(os.open(paths.live, os.O_CREAT | os.O_CLOEXEC, 0o600))


def _unmark(paths: Paths) -> None:
    try:
        os.unlink(paths.live)
    except FileNotFoundError:
        pass


def _create(
    engine: Engine,
    row: Container,
    request: ContainerRequest,
    runtime: OCIRuntime,
    paths: Paths,
    restoring: Restoring | None,
) -> Monitored:
    if request.cgroups == "split":
        from ..cgroups import split

        split.enter(layout(engine.settings.cgroup_manager))
    rotated = log_driver.rotates(engine, request)
    job = MonitorJob(
        id=row.id,
        name=row.name,
        bundle=paths.bundle,
        run_dir=paths.run,
        exit_dir=paths.exits,
        pid_file=paths.pid_file,
        log_path=log_driver.path(request, paths),
        log_driver=log_driver.driver(engine, request),
        log_size_max=-1 if rotated else log_driver.size_max(engine, request),
        log_tag=_log_tag(engine, row, request.log_options.get("tag", "")),
        log_labels=_log_labels(engine, row, request),
        terminal=request.terminal,
        stdin=request.stdin,
        stdin_stays=request.stdin_stays,
        exit_command=exit_command(engine, row.id, paths.run) if request.exit_command else (),
        timeout=request.timeout,
        preserve_fds=request.preserve_fds,
        no_cgroup=request.cgroups == "disabled",
        cgroupfs=request.cgroups == "split",
        preserve_fd=request.preserve_fd,
        sync_log=not request.auto_remove,  # nobody reads the log of one that is removed
        restore=restoring.image if restoring else "",
        restore_options=restoring.options if restoring else (),
    )
    return runtime.monitor().create(
        job, environment={**helpers.environment(engine), **sdnotify.environment(request)}
    )


def _log_tag(engine: Engine, row: Container, text: str) -> str:
    """`--log-opt tag`: a template over what inspect tells (podman-run(1))."""
    if "{{" not in text:
        return text
    from ..format.template import Template
    from .inspect import inspect

    return Template(text).render(inspect(engine, row))


def _log_labels(engine: Engine, row: Container, request: ContainerRequest) -> tuple[str, ...]:
    """`--log-opt label`, `labels` and `env`, where they are of use."""
    if not log_driver.has_fields(request):
        return ()
    from . import journal_fields
    from .inspect import inspect

    if log_driver.driver(engine, request) != log_driver.JOURNALD:
        return ()
    if not journal_fields.supported(engine):
        return ()
    return journal_fields.fields(request, inspect(engine, row))


def _undo_create(engine: Engine, row: Container, runtime: OCIRuntime) -> None:
    runtime.delete(row.id, force=True)


def _note_created(engine: Engine, row: Container, monitored: Monitored) -> Container:
    changes = {
        "status": "initialized",
        "pid": monitored.pid,
        "pid_start": start_time(monitored.pid),
        "monitor_pid": monitored.monitor_pid,
        "monitor_start": start_time(monitored.monitor_pid),
        "boot": boot_id(),
        "exit_code": 0,
        "oom_killed": 0,
        "finished": 0,
    }
    rows.update(engine.database, row.id, **changes)
    return row.replace(**changes)


def note_not_created(engine: Engine, row: Container) -> None:
    """Write down that the runtime does not have the container (any more)."""
    rows.update(engine.database, row.id, status="created", pid=0, monitor_pid=0)
