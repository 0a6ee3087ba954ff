"""From a ContainerConfig and its pod to the engine's ContainerRequest."""

from __future__ import annotations

import os
from typing import Any

from rundlet.core import Engine
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.errors import InvalidArgument, NotSupported

from ..config.setup import config_of
from ..pods import machine, network, options, users
from ..pods.paths import Paths
from ..pods.record import Pod
from ..proto import api_pb2 as cri
from . import policy, record, security, signals
from .mounts import devices, mounts
from .resources import resources


def request(engine: Engine, pod: Pod, config: cri.ContainerConfig) -> ContainerRequest:
    """The whole request. Raises InvalidArgument and NotSupported, naming the field."""
    _check(config)
    sandbox = pod.sandbox
    context = config.linux.security_context
    limits = config.linux.resources
    made = ContainerRequest(
        image=config.image.image,
        name=record.name_of(config, pod.name),
        pod=pod.id,
        sandbox=machine.identity(engine, pod),
        command=tuple(config.args) or None,
        entrypoint=tuple(config.command) or None,
        workdir=config.working_dir,
        make_workdir=True,
        # A runtime's configuration is text: other bytes are lost, as with CRI-O and containerd.
        env={pair.key: pair.value.decode(errors="replace") for pair in config.envs},
        terminal=config.tty,
        stdin=config.stdin,
        stdin_stays=config.stdin and not config.stdin_once,
        hostname=options.hostname(sandbox),
        labels=dict(config.labels),
        annotations={**sandbox.annotations, **config.annotations},
        runtime=pod.runtime,
        restart="no",
        stop_signal=signals.name(config.stop_signal),
        log_driver="k8s-file" if config.log_path else "none",
        log_options={"path": log_path(engine, pod, config)} if config.log_path else {},
        exit_command=False,  # the server watches the exit files
        healthcheck={"Test": ["NONE"]},  # probes are kubelet's business, also of such images
        mounts=mounts(engine, pod, config),
        devices=devices(engine, config),
        resources=resources(limits),
        oom_score_adj=limits.oom_score_adj if config.linux.HasField("resources") else None,
        cgroup_parent=sandbox.linux.cgroup_parent,
        systemd="false",
        sdnotify="ignore",  # systemd watches the server
        pull="never",
        **_namespaces(engine, pod, context.namespace_options),
        **_names(pod, sandbox),
        **security.fields(context, pod.security),
    )
    return policy.adjusted(engine, pod, config, made)


def _check(config: cri.ContainerConfig) -> None:
    if not config.metadata.name:
        raise InvalidArgument("a container needs metadata: name")
    if not config.image.image:
        raise InvalidArgument(f"container {config.metadata.name} has no image")
    if config.HasField("windows"):
        raise NotSupported("windows containers need a Windows node")


def log_path(engine: Engine, pod: Pod, config: cri.ContainerConfig) -> str:
    """Where the log is; "" for none. A pod without a directory for logs has one of the node's."""
    if not config.log_path:
        return ""
    directory = pod.sandbox.log_directory
    if not directory:
        directory = os.path.join(config_of(engine).text("crio.log_dir"), pod.id)
    return os.path.join(directory, config.log_path)


def _namespaces(engine: Engine, pod: Pod, wanted: cri.NamespaceOption) -> dict[str, Any]:
    """The pod's for network, UTS and IPC; the pid namespace as the container wants it."""
    paths = Paths(engine, pod.id)
    sandbox = pod.sandbox
    host = options.host_network(sandbox)
    return {
        "network": "host" if host else f"ns:{paths.netns}",
        "uts": "host" if host else f"ns:{paths.uts}",
        "ipc": "host" if options.host_ipc(sandbox) else f"ns:{paths.ipc}",
        "pid": _pid(engine, pod, wanted, paths.pid),
        **_users(sandbox, paths.user),
    }


def _users(sandbox: cri.PodSandboxConfig, pinned: str) -> dict[str, Any]:
    if not options.own_users(sandbox):
        return {}
    uids, gids = users.maps(sandbox)
    return {"userns": f"ns:{pinned}", "uid_map": uids, "gid_map": gids}


def _pid(engine: Engine, pod: Pod, wanted: cri.NamespaceOption, pinned: str) -> str:
    if wanted.pid == cri.NODE:
        return "host"
    if wanted.pid == cri.TARGET:
        return f"container:{_target(engine, pod, wanted.target_id)}"
    if wanted.pid == cri.POD and options.shared_pid(pod.sandbox):
        return f"ns:{pinned}"
    return "private"


def _target(engine: Engine, pod: Pod, identity: str) -> str:
    """The id of the container whose processes are to be seen: one of this pod, nobody else's."""
    target = record.find(engine, identity).row
    if target.pod != pod.id:
        raise InvalidArgument(f"target_id {target.id} is no container of pod {pod.id}")
    return target.id


def _names(pod: Pod, sandbox: cri.PodSandboxConfig) -> dict[str, Any]:
    """Whom the container asks for names, and the pod's own name."""
    own = [] if options.host_network(sandbox) else network.addresses(pod)
    hosts = tuple(f"{options.hostname(sandbox)}:{address}" for address in own[:1])
    return {**lookups(sandbox), "add_hosts": hosts}


def lookups(sandbox: cri.PodSandboxConfig) -> dict[str, Any]:
    """DNSConfig: the whole resolv.conf of a pod that names servers. Others have the node's, but
    for what they say.
    """
    dns = sandbox.dns_config
    return {
        "dns": tuple(dns.servers),
        "dns_search": tuple(dns.searches),
        "dns_options": tuple(dns.options),
        "dns_exact": bool(dns.servers),
    }
