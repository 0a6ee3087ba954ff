"""What a sandbox's configuration says of namespaces, addresses and names; refusals."""

from __future__ import annotations

import os

from rundlet.core.contracts.network import PortMapping
from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.spec.sysctls import kind_of

from ..containers import security
from ..proto import api_pb2 as cri
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.contracts.network import Protocol

_PROTOCOLS: dict[int, Protocol] = {cri.TCP: "tcp", cri.UDP: "udp", cri.SCTP: "sctp"}

_LONGEST_LABEL = 63
"""Characters of a host name's part (RFC 1123); the kernel takes 64."""


def namespaces(config: cri.PodSandboxConfig) -> cri.NamespaceOption:
    """The sandbox's namespace options."""
    return config.linux.security_context.namespace_options


def host_network(config: cri.PodSandboxConfig) -> bool:
    """Whether the pod is in the node's network (and UTS) namespace."""
    return namespaces(config).network == cri.NODE


def host_ipc(config: cri.PodSandboxConfig) -> bool:
    """Whether the pod is in the node's IPC namespace."""
    return namespaces(config).ipc == cri.NODE


def shared_pid(config: cri.PodSandboxConfig) -> bool:
    """Whether the containers share a pid namespace of the pod's own."""
    return (
        namespaces(config).pid == cri.POD
        and config.HasField("linux")
        and bool(config.linux.security_context.HasField("namespace_options"))
    )


def own_users(config: cri.PodSandboxConfig) -> bool:
    """Whether the pod has a user namespace of its own."""
    mine = namespaces(config)
    return mine.HasField("userns_options") and mine.userns_options.mode == cri.POD


def pins(config: cri.PodSandboxConfig, paths: Paths) -> dict[str, str]:
    """Kinds of namespace that the pod has for itself, beside those of network and users, to the
    file that pins each."""
    files = {}
    if not host_ipc(config):
        files["ipc"] = paths.ipc
    if not host_network(config):
        files["uts"] = paths.uts
    if shared_pid(config):
        files["pid"] = paths.pid
    return files


def hostname(config: cri.PodSandboxConfig) -> str:
    """As the pod sees it: its own (without one as much of its name as can be), else the node's."""
    if host_network(config):
        return os.uname().nodename
    return config.hostname or config.metadata.name[:_LONGEST_LABEL].rstrip("-.")


def ports(config: cri.PodSandboxConfig) -> tuple[PortMapping, ...]:
    """Host ports; a mapping without one only documents the container's."""
    if host_network(config):
        return ()
    return tuple(
        PortMapping(
            container_port=port.container_port,
            host_port=port.host_port,
            protocol=_PROTOCOLS[port.protocol],
            host_ip=port.host_ip,
        )
        for port in config.port_mappings
        if port.host_port > 0
    )


def check(config: cri.PodSandboxConfig) -> None:
    """Raises InvalidArgument and NotSupported, naming the field, before anything is made."""
    meta = config.metadata
    if not meta.name or not meta.uid or not meta.namespace:
        raise InvalidArgument("a pod sandbox needs metadata: name, namespace and uid")
    if config.HasField("windows"):
        raise NotSupported("windows pods need a Windows node")
    for port in config.port_mappings:
        if not 0 <= port.host_port < 65536 or not 0 < port.container_port < 65536:
            raise InvalidArgument(
                f"port mapping {port.container_port}:{port.host_port}: ports end at 65535"
            )
    security.selinux(config.linux.security_context.selinux_options)
    _check_sysctls(config)


def _check_sysctls(config: cri.PodSandboxConfig) -> None:
    """Only those of a namespace that the pod has for itself may be set."""
    own = {"network": not host_network(config), "uts": not host_network(config)}
    own["ipc"] = not host_ipc(config)
    for name in config.linux.sysctls:
        kind = kind_of(name.replace("/", ".") if "." not in name else name)
        if not kind:
            raise InvalidArgument(f"sysctl {name} is not allowed: it is of the whole node")
        if not own[kind]:
            raise InvalidArgument(
                f"sysctl {name} is not allowed: the pod is in the node's {kind} namespace"
            )
