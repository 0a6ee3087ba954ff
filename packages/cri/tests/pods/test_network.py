"""The network of a pod: the ports of the node that lead to it, and whom it asks for names."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from devtools.registry import free_port
from rundlet.core import Engine
from rundlet.core.containers import files
from rundlet.core.containers.network import Joined
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.networks import files as texts
from rundlet.cri.containers import request
from rundlet.cri.pods import options
from rundlet.cri.proto import api_pb2 as cri


def test_ports_in_the_words_of_the_network() -> None:
    config = cri.PodSandboxConfig()
    for protocol, host_port in ((cri.TCP, 80), (cri.UDP, 53), (cri.SCTP, 90), (cri.TCP, 0)):
        config.port_mappings.add(
            protocol=protocol, container_port=8080, host_port=host_port, host_ip="192.0.2.1"
        )
    found = options.ports(config)
    assert [(one.protocol, one.host_port) for one in found] == [
        ("tcp", 80), ("udp", 53), ("sctp", 90)
    ], "one without a port of the node's only documents"  # fmt: skip
    assert {(one.container_port, one.host_ip) for one in found} == {(8080, "192.0.2.1")}
    config.linux.security_context.namespace_options.network = cri.NODE
    assert options.ports(config) == (), "its ports are the node's"


def fetched(address: str, port: int) -> str:
    """The page there; "" where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return ""


@pytest.mark.e2e
def test_a_port_of_one_address_of_the_node(kubelet: Any) -> None:
    config = kubelet.pod_config(network=cri.POD)
    port = free_port()
    config.port_mappings.add(container_port=8080, host_port=port, host_ip="127.0.0.2")
    pod = kubelet.pod(config)
    kubelet.run(pod, "sh", "-c", "echo mine >/index.html; exec httpd -f -p 8080 -h /")
    deadline = time.monotonic() + 60
    while fetched("127.0.0.2", port) != "mine\n":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not fetched("127.0.0.1", port)


@pytest.mark.e2e
def test_names_are_looked_up_as_the_pod_says(kubelet: Any) -> None:
    config = kubelet.pod_config()
    config.dns_config.servers.append("192.0.2.53")
    config.dns_config.searches.append("svc.example")
    config.dns_config.options.append("ndots:5")
    assert kubelet.output(kubelet.pod(config), "cat", "/etc/resolv.conf").splitlines() == [
        "search svc.example", "nameserver 192.0.2.53", "options ndots:5"
    ]  # fmt: skip


def test_the_nodes_domains_are_not_those_of_a_pod(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pod that names its servers has nothing else of the node, and one that does not has all."""
    of_node = "search node.example\nnameserver 192.0.2.1\noptions edns0\n"
    monkeypatch.setattr(texts, "host_resolv_conf", lambda private: of_node)
    config = cri.PodSandboxConfig()
    found = []
    with Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine:
        for servers in ((), ("192.0.2.53",)):
            config.dns_config.servers[:] = servers
            asked = ContainerRequest(**request.lookups(config))
            found.append(files.resolv_conf(engine, asked, Joined(None, "")))
    assert found == [of_node, "nameserver 192.0.2.53\n"]
