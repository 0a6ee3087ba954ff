"""What the engine asks for, in CNI's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.network import Attachment, NetworkRequest, PortMapping
from rundlet.core.errors import InvalidArgument, NetworkError
from rundlet.net_cni import wish
from rundlet.net_cni.config import NetworkConfig, from_document
from rundlet.net_cni.default import default_network

DEFAULT = default_network("podman", "10.88.0.0/16")


def network(*capabilities: str) -> NetworkConfig:
    plugin: dict[str, Any] = {"type": "x", "capabilities": dict.fromkeys(capabilities, True)}
    return from_document({"cniVersion": "0.4.0", "name": "n", "plugins": [plugin]}, "test")


def attachment(**changes: Any) -> Attachment:
    return Attachment("c" * 64, "web", Path("/run/netns/x")).replace(**changes)


def test_interface_names() -> None:
    requests = [NetworkRequest(), NetworkRequest(interface="eth0"), NetworkRequest()]
    assert wish.interfaces(requests) == ["eth1", "eth0", "eth2"]
    assert wish.interfaces([]) == []


@pytest.mark.parametrize("name", ["a/b", "..", "lo", "a b", "x" * 16, "a\n", "é" * 8, "a:b"])
def test_impossible_interface_names(name: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid interface name"):
        wish.interfaces([NetworkRequest(interface=name)])


def test_one_interface_name_twice() -> None:
    with pytest.raises(InvalidArgument, match="given twice"):
        wish.interfaces([NetworkRequest(interface="a"), NetworkRequest(interface="a")])


def test_ranges_of_ports_are_written_out() -> None:
    ports = [PortMapping(80, 8000, "tcp", "127.0.0.1", 2), PortMapping(53, 53, "udp")]
    assert wish.port_maps(ports) == [
        {"hostPort": 8000, "containerPort": 80, "protocol": "tcp", "hostIP": "127.0.0.1"},
        {"hostPort": 8001, "containerPort": 81, "protocol": "tcp", "hostIP": "127.0.0.1"},
        {"hostPort": 53, "containerPort": 53, "protocol": "udp"},
    ]


def test_capabilities_are_for_those_who_take_them() -> None:
    request = NetworkRequest(ips=("10.88.0.9",), mac="02:00:00:00:00:01", aliases=("db",))
    given = wish.capabilities(DEFAULT, request, attachment(dns=("1.1.1.1",)), [PortMapping(80, 1)])
    assert set(given) == {"portMappings", "ips", "mac"}
    given = wish.capabilities(network("aliases", "dns"), request, attachment(dns=("1.1.1.1",)), ())
    assert given == {"aliases": {"n": ["web", "db"]}, "dns": {"servers": ["1.1.1.1"]}}


def test_without_capabilities_there_are_arguments() -> None:
    request = NetworkRequest(ips=("10.88.0.9",), mac="02:00:00:00:00:01", options={"FOO": "bar"})
    assert wish.arguments(network(), request, attachment()).split(";") == [
        "IgnoreUnknown=1",
        "K8S_POD_NAME=web",
        f"K8S_POD_INFRA_CONTAINER_ID={'c' * 64}",
        "FOO=bar",
        "IP=10.88.0.9",
        "MAC=02:00:00:00:00:01",
    ]
    text = wish.arguments(DEFAULT, request, attachment())
    assert "IP=" not in text
    assert "MAC=" not in text


def test_pods() -> None:
    labels = {
        "io.kubernetes.pod.name": "p",
        "io.kubernetes.pod.namespace": "ns",
        "io.kubernetes.pod.uid": "u",
    }
    text = wish.arguments(DEFAULT, NetworkRequest(), attachment(labels=labels))
    assert "K8S_POD_NAME=p;" in text
    assert "K8S_POD_NAMESPACE=ns" in text
    assert "K8S_POD_UID=u" in text


def test_several_addresses_need_the_capability() -> None:
    with pytest.raises(NetworkError, match="one static address only"):
        wish.arguments(network(), NetworkRequest(ips=("10.0.0.1", "fd00::1")), attachment())


@pytest.mark.parametrize("options", [{"A": "b;CNI=x"}, {"A=B": "c"}, {"A;B": "c"}])
def test_options_cannot_smuggle_others_in(options: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        wish.arguments(DEFAULT, NetworkRequest(options=options), attachment())


def test_bandwidth() -> None:
    request = NetworkRequest(options={"ingress_rate": "1000000", "ingress_burst": "2000"})
    limits = {"ingressRate": 1000000, "ingressBurst": 2000}
    given = wish.capabilities(network("bandwidth"), request, attachment(), ())
    assert given == {"bandwidth": limits}
    assert "ingress_rate" not in wish.arguments(network("bandwidth"), request, attachment())
    with pytest.raises(NetworkError, match="no plugin that limits bandwidth"):
        wish.capabilities(DEFAULT, request, attachment(), ())
    with pytest.raises(InvalidArgument, match="not a number"):
        wish.capabilities(
            network("bandwidth"), NetworkRequest(options={"egress_rate": "1M"}), attachment(), ()
        )
