"""A running container is written to files: its processes to its bundle, all of it to an archive."""

from __future__ import annotations

import json
import os
import time

from ...contracts.runtime import Checkpointing
from ...errors import InvalidArgument, NoSuchContainer, NotSupported, WrongState
from ...runtimes import criu
from ...state import containers as rows
from ...value import Value
from .. import notify, stop
from ..attending import Attending
from ..paths import Paths
from ..restart import forget_stopped, has_policy, mark_stopped, stopped
from ..state import derive
from ..stored import request_of
from ..trees import remove_tree
from . import archive
from .files import Files, forget_logs
from .statistics import Statistics, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...engine import Engine
    from ...state.containers import Container


class Options(Value):
    """Of podman-container-checkpoint(1). export: path of an archive, "" for none.

    compression: of it: "zstd", "gzip" or "none". pre: only the memory, and the container goes
    on; previous: on top of such a one.
    """

    keep: bool = False
    leave_running: bool = False
    tcp_established: bool = False
    file_locks: bool = False
    pre: bool = False
    previous: bool = False
    export: str = ""
    compression: str = "zstd"
    ignore_rootfs: bool = False
    ignore_volumes: bool = False


def checkpoint(engine: Engine, row: Container, options: Options) -> Statistics:
    """Write a container. Unless it is left running it has ended afterwards.

    Raises WrongState, NotSupported where CRIU or the runtime cannot, InvalidArgument,
    RuntimeFailed with CRIU's reason: the container goes on then.
    """
    began = time.monotonic()
    _check(engine, row, options)
    files = Files(engine, row.id)
    with Attending(Paths(engine, row.id), starting=False):
        with engine.locks.hold("container", row.id):
            fresh = rows.by_id(engine.database, row.id)
            if fresh is None:
                raise NoSuchContainer(row.name)
            row = _running(derive(engine, fresh))
            _write(engine, row, options, files)
            _note(engine, row, options)
        found = read(files.statistics, row.id, began)
        if options.export:
            archive.write(engine, row, options, files)
            if options.leave_running:  # nobody restores one that runs
                remove_tree(files.image)
        if not options.keep:
            forget_logs(files)
        if not (options.leave_running or options.pre):
            stop.cleaned(engine, row)
    notify.event(engine, row, "checkpoint")
    return found


def _check(engine: Engine, row: Container, options: Options) -> None:
    if row.auto_remove and not options.export:
        raise InvalidArgument(
            "cannot checkpoint containers that have been started with '--rm' unless '--export' is"
            " used"
        )
    if options.export and options.pre and options.previous:
        raise InvalidArgument("--pre-checkpoint and --with-previous cannot be used together")
    usable(engine, row)


def usable(engine: Engine, row: Container) -> None:
    """Raises NotSupported where the container's runtime cannot checkpoint, with the reason."""
    runtime = engine.plugins.runtime(row.runtime)
    if not runtime.features().checkpoint:
        reason = criu.problem() or "it has none, or was built without CRIU"
        raise NotSupported(
            f"OCI runtime {runtime.name} cannot checkpoint containers here: {reason}",
            remedy="apt install criu, of a release that knows this kernel; and use runc",
        )


def _running(row: Container) -> Container:
    if row.status != "running":
        raise WrongState(
            f"container {row.id} is {row.status}: only running containers can be checkpointed"
        )
    return row


def _write(engine: Engine, row: Container, options: Options, files: Files) -> None:
    """The processes. A runtime that fails leaves the container as it is."""
    image = files.pre if options.pre else files.image
    if options.previous and not os.path.isdir(files.pre):
        raise WrongState(f"container {row.id} has no earlier checkpoint: make one with -P first")
    remove_tree(image)
    os.makedirs(image, mode=0o700)
    goes_on = options.leave_running or options.pre or stopped(engine, row.id)
    marks = has_policy(request_of(row.request)) and not goes_on
    if marks:
        mark_stopped(engine, row)  # its restart policy is not for this
    try:
        engine.plugins.runtime(row.runtime).checkpoint(
            row.id,
            Checkpointing(
                image=image,
                work=files.work,
                leave_running=options.leave_running,
                tcp_established=options.tcp_established,
                file_locks=options.file_locks,
                pre=options.pre,
                parent=os.path.relpath(files.pre, files.image) if options.previous else "",
            ),
        )
    except BaseException:
        remove_tree(image)
        if marks:
            forget_stopped(Paths(engine, row.id))
        raise


def _note(engine: Engine, row: Container, options: Options) -> None:
    """What `inspect` and a restore want to know: when, and with which addresses."""
    if options.pre:
        return
    extra = json.loads(row.extra)
    extra["checkpoint"] = {"at": time.time_ns(), "network": row.network}
    rows.update(engine.database, row.id, extra=json.dumps(extra))
