"""Sandboxes are stopped and removed, in whatever state a killed server left them."""

from __future__ import annotations

import os

from rundlet.core import Engine
from rundlet.core.errors import NoSuchContainer, NoSuchPod
from rundlet.core.linux.processes import start_time

from ..containers import life, shifted
from . import machine, namespaces, network, options, record
from .paths import Paths
from .record import Pod


def stop(engine: Engine, identity: str) -> str:
    """End all containers and give back namespaces and addresses; the pod's whole id, "" when
    there is none. Idempotent.

    Raises NetworkError when a plugin fails: it is tried again by the next call.
    """
    try:
        pod = record.find(engine, identity)
    except NoSuchPod:
        return ""
    with engine.locks.hold("pod", pod.id):
        fresh = record.by_id(engine, pod.id)
        if fresh is not None:
            _stop(engine, fresh)
    return pod.id


def _stop(engine: Engine, pod: Pod) -> Pod:
    for container in containers(engine, pod.id):
        try:
            engine.containers.stop(container, 0)
        except NoSuchContainer:
            continue
    return _release(engine, pod, "stopped")


def _release(engine: Engine, pod: Pod, state: str) -> Pod:
    """All that `run` made, but for the row. Every step succeeds for what is not there."""
    paths = Paths(engine, pod.id)
    if pod.state == "creating" and options.shared_pid(pod.sandbox):  # it may not be noted yet
        for init in namespaces.inits(paths.pid):
            namespaces.end(init, start_time(init))
    namespaces.end(pod.infra, pod.infra_start)
    pod = network.detach(engine, pod)
    for path in (paths.pid, paths.uts, paths.ipc, paths.user, paths.shm):
        namespaces.unpin(path)
    return record.update(engine, pod, state=state, infra=0, infra_start=0)


def remove(engine: Engine, identity: str) -> str:
    """Stop, and forget the pod with its containers; its id, "" when there was none."""
    try:
        pod = record.find(engine, identity)
    except NoSuchPod:
        return ""
    with engine.locks.hold("pod", pod.id):
        fresh = record.by_id(engine, pod.id)
        if fresh is None:
            return pod.id
        for container in containers(engine, pod.id):
            if life.remove(engine, container) is None:  # one that was not whole
                life.discard(engine, container)
        _release(engine, fresh, "removing")
        shifted.clear(engine, pod.id)
        machine.clear(engine, pod.id)
        try:
            os.rmdir(Paths(engine, pod.id).directory)
        except FileNotFoundError:
            pass
        record.delete(engine, pod.id)
    return pod.id


def containers(engine: Engine, pod: str) -> list[str]:
    """Ids of a pod's containers, newest first."""
    found = engine.database.rows(
        "SELECT id FROM containers WHERE pod = ? ORDER BY created DESC, id", pod
    )
    return [str(identity) for (identity,) in found]
