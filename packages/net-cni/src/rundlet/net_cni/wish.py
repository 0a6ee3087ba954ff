"""What the engine asks for, in the words of CNI: capability arguments and CNI_ARGS.

Conventions: CNI's CONVENTIONS.md ("Dynamic Plugin specific fields"); the K8S_ arguments
are what kubelet's runtimes give, and what podman gives for a container.
"""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument, NetworkError
from rundlet.core.networks.interfaces import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.core.contracts.network import Attachment, NetworkRequest, PortMapping

    from .config import NetworkConfig

_BANDWIDTH = {
    "ingress_rate": "ingressRate",
    "ingress_burst": "ingressBurst",
    "egress_rate": "egressRate",
    "egress_burst": "egressBurst",
}
_POD = {
    "K8S_POD_NAMESPACE": "io.kubernetes.pod.namespace",
    "K8S_POD_NAME": "io.kubernetes.pod.name",
    "K8S_POD_UID": "io.kubernetes.pod.uid",
}


def interfaces(requests: Sequence[NetworkRequest]) -> list[str]:
    """The interface of each network: as asked, else eth0, eth1, ... Raises InvalidArgument."""
    taken = [request.interface for request in requests if request.interface]
    names = []
    number = 0
    for request in requests:
        while not request.interface and f"eth{number}" in taken:
            number += 1
        names.append(request.interface or f"eth{number}")
        taken.append(names[-1])
    check([request.replace(interface=name) for request, name in zip(requests, names, strict=True)])
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgument(f'interface name "{name}" is given twice')
    return names


def port_maps(ports: Sequence[PortMapping]) -> list[dict[str, Any]]:
    """The capability portMappings: ranges written out."""
    maps = []
    for port in ports:
        for offset in range(port.size):
            one: dict[str, Any] = {
                "hostPort": port.host_port + offset,
                "containerPort": port.container_port + offset,
                "protocol": port.protocol,
            }
            if port.host_ip:
                one["hostIP"] = port.host_ip
            maps.append(one)
    return maps


def capabilities(
    network: NetworkConfig,
    request: NetworkRequest,
    attachment: Attachment,
    ports: Sequence[PortMapping],
) -> dict[str, Any]:
    """runtimeConfig for the plugins of a network, of which each takes what it declares."""
    wanted: dict[str, Any] = {}
    if ports:
        wanted["portMappings"] = port_maps(ports)
    if request.ips:
        wanted["ips"] = list(request.ips)
    if request.mac:
        wanted["mac"] = request.mac
    if request.aliases or attachment.name:
        names = [attachment.name, *request.aliases]
        wanted["aliases"] = {network.name: [name for name in names if name]}
    if attachment.dns:
        wanted["dns"] = {"servers": list(attachment.dns)}
    bandwidth = _bandwidth(request.options)
    if bandwidth:
        wanted["bandwidth"] = bandwidth
        if not network.has("bandwidth"):
            raise NetworkError(f'network "{network.name}" has no plugin that limits bandwidth')
    return {key: value for key, value in wanted.items() if network.has(key)}


def _bandwidth(options: Mapping[str, str]) -> dict[str, int]:
    """Rates in bits per second, bursts in bits (the bandwidth plugin's own units)."""
    found = {}
    for key, name in _BANDWIDTH.items():
        if key in options:
            try:
                found[name] = int(options[key])
            except ValueError:
                raise InvalidArgument(f"{key}={options[key]}: not a number of bits") from None
    return found


def arguments(network: NetworkConfig, request: NetworkRequest, attachment: Attachment) -> str:
    """CNI_ARGS: the pod, options of the network, and what no plugin takes as a capability."""
    pairs = {"IgnoreUnknown": "1", "K8S_POD_NAME": attachment.name}
    pairs["K8S_POD_INFRA_CONTAINER_ID"] = attachment.container
    pairs.update(
        {
            name: attachment.labels[label]
            for name, label in _POD.items()
            if label in attachment.labels
        }
    )
    pairs.update({key: value for key, value in request.options.items() if key not in _BANDWIDTH})
    if request.ips and not network.has("ips"):
        if len(request.ips) > 1:
            raise NetworkError(
                f'network "{network.name}" takes one static address only',
                remedy='Give its IPAM plugin the capability "ips".',
            )
        pairs["IP"] = request.ips[0]
    if request.mac and not network.has("mac"):
        pairs["MAC"] = request.mac
    for key, value in pairs.items():
        if set(";=") & set(key) or ";" in value:
            raise InvalidArgument(f"{key}={value}: no = or ; may be in an option of a network")
    return ";".join(f"{key}={value}" for key, value in pairs.items() if value)
