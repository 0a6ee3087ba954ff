"""A sandbox is made: RunPodSandbox, undone whole when a step fails."""

from __future__ import annotations

import os
from contextlib import ExitStack

from rundlet.core import Engine
from rundlet.core.containers import names, neighbours
from rundlet.core.errors import AlreadyExists
from rundlet.core.linux import syscalls
from rundlet.core.linux.processes import start_time

from ..containers import security
from ..proto import api_pb2 as cri
from ..runtime import handlers
from . import machine, namespaces, network, options, policy, record, stop, users
from .paths import Paths
from .record import Pod


def run(engine: Engine, config: cri.PodSandboxConfig, handler: str) -> str:
    """Make a sandbox; its id. The same request again, while it is ready, gets the same one:
    a client whose deadline passed asks again.

    Raises InvalidArgument, NotSupported, DriverUnavailable, AlreadyExists, NetworkError;
    nothing is left then.
    """
    options.check(config)
    users.check(config)
    runtime = handlers.resolve(engine, handler)
    if options.own_users(config):
        handlers.check_users(engine, runtime)
    pod = record.fresh(names.identifier(), config, handler, runtime)
    pod = pod.replace(level=policy.level(engine, config))
    there = record.by_name(engine, pod.name)
    if there is not None:
        if there.ready and (there.config, there.handler) == (pod.config, handler):
            return there.id
        if not there.abandoned:
            raise AlreadyExists(
                f"there is a pod named {pod.name} already: {there.id}", remedy="remove it first"
            )
        stop.remove(engine, there.id)
    record.insert(engine, pod)
    with ExitStack() as undo:
        undo.callback(stop.remove, engine, pod.id)
        _make(engine, pod)
        undo.pop_all()
    return pod.id


def _make(engine: Engine, pod: Pod) -> None:
    config = pod.sandbox
    paths = Paths(engine, pod.id)
    os.makedirs(paths.directory, mode=0o711)
    neighbours.note(engine)
    if config.log_directory:
        os.makedirs(config.log_directory, mode=0o755, exist_ok=True)
    if options.own_users(config):
        infra = users.make(config, paths)
        pod = record.update(engine, pod, infra=infra, infra_start=start_time(infra))
    if not options.host_network(config):
        pod = network.attach(engine, pod)
    if not options.host_ipc(config):
        os.mkdir(paths.shm, 0o711)
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
        data = f"mode=1777,size={policy.shm_size(engine, pod)}{users.owner(config)}{_label(pod)}"
        syscalls.mount("shm", paths.shm, "tmpfs", flags, data)
    infra = namespaces.make(
        options.pins(config, paths),
        netns="" if options.host_network(config) else paths.netns,
        hostname=options.hostname(config),
        sysctls={**policy.sysctls(engine, config), **config.linux.sysctls},
    )
    if infra:
        policy.place(engine, infra)
        pod = pod.replace(infra=infra, infra_start=start_time(infra))
    if machine.needed(engine, pod.runtime):
        machine.make(engine, pod)
    record.update(engine, pod, state="ready")


def _label(pod: Pod) -> str:
    """Mount option of a file system whose files have the label of the pod's; "" for none."""
    label = security.file_label(cri.LinuxContainerSecurityContext(), pod.security)
    return f',context="{label}"' if label else ""
