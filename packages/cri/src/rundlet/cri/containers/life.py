"""Containers are created, started, stopped and removed; each function runs in a worker thread."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from rundlet.core import Engine
from rundlet.core.containers.state import GOING, LIVE, has_process
from rundlet.core.containers.stored import request_of
from rundlet.core.errors import (
    AlreadyExists,
    NoSuchContainer,
    RuntimeFailed,
    WrongState,
)
from rundlet.core.linux.processes import alive
from rundlet.core.state import containers as rows

from ..pods import machine
from ..pods import record as pods
from ..proto import api_pb2 as cri
from . import record, restoring, shifted, volumes
from .request import log_path, request

_REOPENING = 10.0  # seconds; conmon does it when it next looks at its fifo


def create(engine: Engine, pod_id: str, config: cri.ContainerConfig, checkpoint: str = "") -> str:
    """Make a container; its id. The same request again, before it is started, gets the same one.

    checkpoint: an archive that it goes on from; an image that is the path of one says so too.
    Raises NoSuchPod, WrongState for a pod that is not ready, AlreadyExists, InvalidArgument,
    NotSupported, NoSuchImage; nothing is left then.
    """
    pod = pods.find(engine, pod_id)
    # A pod does not go meanwhile, and of two requests with one name the second finds the first's.
    with engine.locks.hold("pod", pod.id):
        return _create(engine, pods.find(engine, pod.id), config, checkpoint)


def _create(engine: Engine, pod: pods.Pod, config: cri.ContainerConfig, checkpoint: str) -> str:
    if not pod.ready:
        raise WrongState(f"pod {pod.id} is not ready: no container can be made in it")
    name = record.name_of(config, pod.name)
    there = record.by_name(engine, name)
    if there is not None:
        content = config.SerializeToString(deterministic=True)
        if there.config == content and there.row.status in ("created", "initialized"):
            return there.row.id
        raise AlreadyExists(
            f"there is a container named {name} already: {there.row.id}",
            remedy="remove it first",
        )
    _clear(engine, name)
    source = checkpoint or restoring.named(config)
    with restoring.unpacked(engine, source) as found, ExitStack() as undo:
        wanted = volumes.resolved(engine, restoring.with_image(engine, config, found))
        undo.callback(_unmount, engine, pod.id, name)
        row = engine.containers.create(request(engine, pod, wanted))
        undo.callback(engine.containers.remove, row.id, force=True, volumes=True)
        restoring.adopt(engine, row, found)
        log = log_path(engine, pod, config)
        record.keep(engine, row, config, log, volumes.references(wanted))
        undo.pop_all()
    return row.id


def _clear(engine: Engine, name: str) -> None:
    """Remove what a killed server left of a container of this name."""
    row = engine.database.row(
        "SELECT id, status, pid, pid_start FROM containers WHERE name = ? AND pod IS NOT NULL", name
    )
    if row is not None and not (row[1] == "creating" and alive(row[2], row[3])):
        discard(engine, str(row[0]))


def discard(engine: Engine, identity: str) -> None:
    """Remove a container that was not whole, with what was mounted for it."""
    row = rows.by_id(engine.database, identity)
    if row is None:
        return
    try:
        engine.containers.remove(row.id, force=True, volumes=True, timeout=0, needed=True)
    except NoSuchContainer:
        pass
    _unmount(engine, row.pod or "", row.name)


def start(engine: Engine, identity: str) -> record.Made:
    """Start a created container. Raises WrongState for any other: the CRI starts them once."""
    made = record.find(engine, identity)
    if made.row.status == "running":
        return made  # a retry
    if made.row.status not in ("created", "initialized"):
        raise WrongState(f"container {made.row.id} is {made.row.status}, not created")
    if made.log:
        os.makedirs(os.path.dirname(made.log), mode=0o755, exist_ok=True)
    restoring.start(engine, made.row)
    return made


def stop(engine: Engine, identity: str, timeout: int) -> None:
    """Stop within `timeout` seconds. Idempotent, also for one that is gone."""
    try:
        made = record.find(engine, identity)
        engine.containers.stop(made.row.id, max(0, timeout))
    except NoSuchContainer:
        return


def remove(engine: Engine, identity: str) -> record.Made | None:
    """Remove, also while it runs; what it was, None when it is gone already."""
    try:
        made = record.find(engine, identity)
        engine.containers.remove(made.row.id, force=True, volumes=True, timeout=0, needed=True)
    except NoSuchContainer:
        return None
    _unmount(engine, made.row.pod or "", made.row.name)
    return made


def _unmount(engine: Engine, pod: str, name: str) -> None:
    """Release what was mounted for a container of this name, before and beside its own layer."""
    volumes.unmount(engine, name)
    shifted.unmount(engine, pod, name)


def reopen_log(engine: Engine, identity: str) -> None:
    """Make the monitor begin a new log file: the old one was renamed. It is there afterwards.

    Raises WrongState, RuntimeFailed when the monitor does not.
    """
    from rundlet.core.containers.paths import Paths

    made = record.find(engine, identity)
    if made.row.status not in GOING:
        raise WrongState(f"container {made.row.id} is not running: its log has no writer")
    if not made.log:
        return
    before = _inode(made.log)
    monitor = engine.plugins.runtime(made.row.runtime).monitor()
    monitor.reopen_log(Paths(engine, made.row.id).bundle, made.row.id)
    deadline = time.monotonic() + _REOPENING
    while _inode(made.log) in (0, before):
        if time.monotonic() > deadline:
            raise RuntimeFailed(f"container {made.row.id}: its monitor begins no new {made.log}")
        time.sleep(0.002)


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def update(engine: Engine, identity: str, wanted: cri.LinuxContainerResources) -> None:
    """Change limits, also while it runs. Raises WrongState for one that has ended."""
    from .resources import limits

    made = record.find(engine, identity)
    if made.row.status == "exited":
        raise WrongState(f"container {made.row.id} has ended: its limits are of no use")
    changes = limits(wanted, request_of(made.row.request).resources)
    if wanted.oom_score_adj:
        changes["oom_score_adj"] = wanted.oom_score_adj
    if changes:
        engine.containers.update(made.row.id, **changes)


def ended(engine: Engine, identity: str) -> str:
    """Clean up after a container whose exit code came; its pod, "" for what is none of ours."""
    row = rows.by_id(engine.database, identity)
    if row is None or not row.pod:
        return ""
    try:
        engine.containers.cleanup(identity)
    except NoSuchContainer:
        pass  # its remover was faster
    if not row.name.startswith(machine.PREFIX):
        return row.pod
    if not has_process(row):
        _end_pod(engine, row.pod)
    return ""


def _end_pod(engine: Engine, pod: str) -> None:
    """Its machine has ended, and so have its containers."""
    from ..pods import stop  # which stops and removes by what is here

    stop.stop(engine, pod)


def killed_for_memory(engine: Engine, identity: str) -> str:
    """The name of a container that the kernel killed for its memory, "" of any other."""
    row = rows.by_id(engine.database, identity)
    return row.name if row is not None and row.oom_killed else ""


def live(engine: Engine) -> set[str]:
    """Ids of containers of pods that were running when last written down."""
    marks = ", ".join("?" * len(LIVE))
    found = engine.database.rows(
        f"SELECT id FROM containers WHERE pod IS NOT NULL AND status IN ({marks})", *LIVE
    )
    return {str(identity) for (identity,) in found}
