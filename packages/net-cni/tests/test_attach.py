"""Attaching and detaching with the real plugins: what the kernel has then."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.network import (
    Attachment,
    AttachResult,
    NetworkRequest,
    NetworkSettings,
    PortMapping,
)
from rundlet.core.errors import AlreadyExists, NetworkError, NoSuchNetwork
from rundlet.core.networks.namespace import remove_namespace
from rundlet.core.testing.network import inside, links, rules
from rundlet.net_cni.default import document
from rundlet.net_cni.plugin import CNINetworks

Make = Callable[..., Attachment]
Sockets = Callable[..., socket.socket]


def define(settings: NetworkSettings, name: str, subnet: str, **changes: Any) -> None:
    made = document(name, subnet)
    made["plugins"][0]["bridge"] = f"cni-{name}"
    made["plugins"][0].update(changes)
    (settings.config_dirs[0] / f"{name}.conflist").write_text(json.dumps(made))


def leases(settings: NetworkSettings, network: str = "podman") -> list[str]:
    directory = Path(settings.options["data_dir"], network)
    names = os.listdir(directory) if directory.exists() else []
    return sorted(name for name in names if name[0].isdigit())


def answer(sockets: Sockets, namespace: Path | None, port: int) -> socket.socket:
    listener = sockets(namespace)
    listener.bind(("", port))
    listener.listen()
    return listener


def reached(sockets: Sockets, listener: socket.socket, address: tuple[str, int]) -> str:
    """Connect from the host; who the listener says it was."""
    client = sockets(None)
    client.connect(address)
    accepted, peer = listener.accept()
    with accepted:
        accepted.sendall(b"hello")
        assert client.recv(5) == b"hello"
    return str(peer[0])


def reached_from(
    sockets: Sockets, namespace: Path | None, listener: socket.socket, address: str
) -> None:
    """Connect from a namespace to a listener of the host."""
    client = sockets(namespace)
    client.connect((address, listener.getsockname()[1]))
    listener.accept()[0].close()


def test_the_default_network(
    plugin: CNINetworks, make: Make, settings: NetworkSettings, sockets: Sockets
) -> None:
    attachment = make("one")
    result = plugin.attach(attachment)
    (interface,) = result.interfaces
    assert interface.network == "podman"
    assert interface.interface == "eth0"
    assert interface.addresses[0].address == "10.88.0.2/16"
    assert interface.addresses[0].gateway == "10.88.0.1"
    (bridge,) = [link for link in links(None) if link["ifname"] == "cni-podman0"]
    assert bridge["addr_info"][0]["local"] == "10.88.0.1"
    reached_from(sockets, attachment.namespace, answer(sockets, None, 7000), "10.88.0.1")
    assert leases(settings) == ["10.88.0.2"]
    assert any("-s 10.88.0.2/32" in rule or "MASQUERADE" in rule for rule in rules())
    plugin.detach(attachment, result)
    assert leases(settings) == []
    assert not any("10.88.0.2" in rule for rule in rules())


def test_containers_reach_each_other(plugin: CNINetworks, make: Make, sockets: Sockets) -> None:
    one, other = make("one"), make("other")
    plugin.attach(one)
    address = plugin.attach(other).interfaces[0].addresses[0].address.partition("/")[0]
    listener = answer(sockets, other.namespace, 80)
    client = sockets(one.namespace)
    client.connect((address, 80))
    accepted, peer = listener.accept()
    accepted.close()
    assert peer[0] == "10.88.0.2"


def test_a_published_port(plugin: CNINetworks, make: Make, sockets: Sockets) -> None:
    """From the host by loopback and by its own address, and from another container."""
    veth = ["ip", "link", "add", "out0", "type", "veth", "peer", "name", "out1"]
    subprocess.run(veth, check=True)
    subprocess.run(["ip", "address", "add", "198.51.100.1/24", "dev", "out0"], check=True)
    subprocess.run(["ip", "link", "set", "out0", "up"], check=True)
    attachment = make("web", ports=[PortMapping(80, 8000), PortMapping(81, 0)])
    result = plugin.attach(attachment)
    listener = answer(sockets, attachment.namespace, 80)
    for address in ("127.0.0.1", "198.51.100.1", "10.88.0.1"):
        reached(sockets, listener, (address, 8000))
    other = make("other")
    plugin.attach(other)
    client = sockets(other.namespace)
    client.connect(("198.51.100.1", 8000))
    listener.accept()[0].close()
    itself = sockets(attachment.namespace)  # hairpin: a container by its own published port
    itself.connect(("198.51.100.1", 8000))
    listener.accept()[0].close()
    second = answer(sockets, attachment.namespace, 81)
    reached(sockets, second, ("127.0.0.1", result.ports[1].host_port))
    plugin.detach(attachment, result)
    gone = sockets(None)
    with pytest.raises(ConnectionRefusedError):
        gone.connect(("127.0.0.1", 8000))


def test_a_range_of_ports_on_one_address(plugin: CNINetworks, make: Make, sockets: Sockets) -> None:
    attachment = make("web", ports=[PortMapping(80, 8000, "tcp", "127.0.0.1", 3)])
    plugin.attach(attachment)
    listener = answer(sockets, attachment.namespace, 82)
    reached(sockets, listener, ("127.0.0.1", 8002))
    with pytest.raises(ConnectionRefusedError):
        sockets(None).connect(("127.0.0.2", 8002))


def test_udp(plugin: CNINetworks, make: Make, sockets: Sockets) -> None:
    attachment = make("dns", ports=[PortMapping(53, 5300, "udp")])
    plugin.attach(attachment)
    server = sockets(attachment.namespace, socket.SOCK_DGRAM)
    server.bind(("", 53))
    client = sockets(None, socket.SOCK_DGRAM)
    client.sendto(b"who", ("127.0.0.1", 5300))
    words, peer = server.recvfrom(10)
    assert words == b"who"
    server.sendto(b"me", peer)
    assert client.recvfrom(10)[0] == b"me"


def test_sctp_rules_are_made(plugin: CNINetworks, make: Make) -> None:
    attachment = make("sig", ports=[PortMapping(80, 8000, "sctp")])
    plugin.attach(attachment)
    assert any("-p sctp" in rule and "10.88.0.2:80" in rule for rule in rules())


def test_a_port_in_use_is_refused_before_anything_is_done(
    plugin: CNINetworks, make: Make, sockets: Sockets, settings: NetworkSettings
) -> None:
    answer(sockets, None, 8000)
    attachment = make("web", ports=[PortMapping(80, 8000)])
    with pytest.raises(NetworkError, match=r"listen tcp4 :8000: bind: address already in use"):
        plugin.attach(attachment)
    assert rules() == [] or not any("-A" in rule for rule in rules())
    assert [link["ifname"] for link in links(attachment.namespace)] == ["lo"]
    assert leases(settings) == []


def test_two_containers_cannot_publish_one_port(plugin: CNINetworks, make: Make) -> None:
    first, second = (make(name, ports=[PortMapping(80, 8000)]) for name in ("first", "second"))
    result = plugin.attach(first)
    with pytest.raises(NetworkError, match=f"published by container {first.container[:12]}"):
        plugin.attach(second)
    plugin.detach(first, result)
    plugin.attach(second)


def test_static_addresses(plugin: CNINetworks, make: Make) -> None:
    request = NetworkRequest(ips=("10.88.7.7",), mac="02:11:22:33:44:55", interface="net7")
    (interface,) = plugin.attach(make("one", request)).interfaces
    assert interface.interface == "net7"
    assert interface.mac == "02:11:22:33:44:55"
    assert interface.addresses[0].address == "10.88.7.7/16"


def test_static_addresses_by_arguments(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    """Debian's own definition of the network podman declares neither ips nor mac."""
    define(settings, "podman", "10.88.0.0/16", capabilities={})
    made = json.loads((settings.config_dirs[0] / "podman.conflist").read_text())
    made["plugins"][3].pop("capabilities")
    (settings.config_dirs[0] / "podman.conflist").write_text(json.dumps(made))
    request = NetworkRequest(ips=("10.88.7.7",), mac="02:11:22:33:44:55")
    (interface,) = plugin.attach(make("one", request)).interfaces
    assert (interface.mac, interface.addresses[0].address) == ("02:11:22:33:44:55", "10.88.7.7/16")


def test_an_address_that_is_taken(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    request = NetworkRequest(ips=("10.88.7.7",))
    plugin.attach(make("one", request))
    with pytest.raises(NetworkError, match=r'network "podman": plugin "bridge".*10\.88\.7\.7'):
        plugin.attach(make("two", request))
    assert leases(settings) == ["10.88.7.7"]


def test_several_networks(plugin: CNINetworks, make: Make, settings: NetworkSettings) -> None:
    define(settings, "back", "10.77.0.0/24", dns={"nameservers": ["10.77.0.1"], "search": ["b"]})
    attachment = make("one", NetworkRequest("back"), NetworkRequest(aliases=("web",)))
    result = plugin.attach(attachment)
    assert [(i.network, i.interface) for i in result.interfaces] == [
        ("back", "eth0"),
        ("podman", "eth1"),
    ]
    assert result.interfaces[1].aliases == ("web",)
    assert (result.nameservers, result.search) == (("10.77.0.1",), ("b",))
    default = inside(attachment.namespace, "ip", "route", "show", "default")
    assert default.split()[:5] == ["default", "via", "10.77.0.1", "dev", "eth0"]
    plugin.check(attachment, result)
    plugin.detach(attachment, result)
    assert (leases(settings), leases(settings, "back")) == ([], [])


def test_one_more_network_and_one_less(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    """As `network connect` and `network disconnect` do: by parts of an attachment."""
    define(settings, "back", "10.77.0.0/24")
    whole = make("one")
    plugin.attach(whole)
    more = whole.replace(networks=(NetworkRequest("back", interface="eth1"),))
    result = plugin.attach(more)
    assert result.interfaces[0].interface == "eth1"
    plugin.detach(more.replace(networks=(NetworkRequest("back"),)), result)
    assert [link["ifname"] for link in links(whole.namespace)] == ["lo", "eth0"]
    assert leases(settings) == ["10.88.0.2"]


def test_attached_twice(plugin: CNINetworks, make: Make) -> None:
    attachment = make("one")
    result = plugin.attach(attachment)
    with pytest.raises(AlreadyExists, match="has an interface eth0 already, on network podman"):
        plugin.attach(attachment)
    plugin.check(attachment, result)


def test_a_container_that_starts_again_after_a_reboot(
    plugin: CNINetworks, make: Make, tmp_path: Path, settings: NetworkSettings
) -> None:
    """The note is there, the namespace is not; a new one is at the same path."""
    from rundlet.core.networks.namespace import create_namespace

    attachment = make("one", ports=[PortMapping(80, 8000)])
    plugin.attach(attachment)
    remove_namespace(str(attachment.namespace))
    create_namespace(str(attachment.namespace))
    result = plugin.attach(attachment)
    plugin.check(attachment, result)
    assert len(leases(settings)) == 1


def test_unknown_networks(plugin: CNINetworks, make: Make, settings: NetworkSettings) -> None:
    attachment = make("one", NetworkRequest(), NetworkRequest("nowhere"))
    with pytest.raises(NoSuchNetwork, match="nowhere: network not found"):
        plugin.attach(attachment)
    assert leases(settings) == []


def test_ports_need_a_network_that_publishes(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    made = document("plain", "10.77.0.0/24")
    made["plugins"][0]["bridge"] = "cni-plain"
    del made["plugins"][1:]
    (settings.config_dirs[0] / "plain.conflist").write_text(json.dumps(made))
    with pytest.raises(NetworkError, match="no plugin of network plain does that"):
        plugin.attach(make("one", NetworkRequest("plain"), ports=[PortMapping(80)]))
    both = make("two", NetworkRequest("plain"), NetworkRequest(), ports=[PortMapping(80, 8000)])
    result = plugin.attach(both)
    address = result.interfaces[1].addresses[0].address.partition("/")[0]
    assert any(f"{address}:80" in rule for rule in rules())


def test_missing_plugins(make: Make, settings: NetworkSettings, tmp_path: Path) -> None:
    plugin = CNINetworks(settings.replace(plugin_dirs=(tmp_path / "a", tmp_path / "b")))
    attachment = make("one")
    with pytest.raises(NetworkError, match=rf'"bridge" in path \[{tmp_path}/a {tmp_path}/b\]'):
        plugin.attach(attachment)
    for reason in (plugin.probe().reason, *plugin.status()):
        assert "bridge, portmap, firewall, tuning, host-local not found" in reason
        assert "install containernetworking-plugins" in reason
    assert not plugin.probe().works


def test_no_namespace(plugin: CNINetworks, make: Make) -> None:
    with pytest.raises(NetworkError, match="no network namespace to join"):
        plugin.attach(make("one").replace(namespace=None))


def test_detach_when_the_network_was_removed(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    define(settings, "back", "10.77.0.0/24")
    attachment = make("one", NetworkRequest("back"))
    result = plugin.attach(attachment)
    (settings.config_dirs[0] / "back.conflist").unlink()
    plugin.detach(attachment, result)
    assert leases(settings, "back") == []
    assert [link["ifname"] for link in links(attachment.namespace)] == ["lo"]


def test_detach_when_the_notes_are_lost(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    attachment = make("one", ports=[PortMapping(80, 8000)])
    result = plugin.attach(attachment)
    shutil.rmtree(settings.state_dir)
    plugin.detach(attachment, result)
    assert leases(settings) == []
    assert not any("10.88.0.2" in rule or ":80" in rule for rule in rules())


def test_detach_when_everything_is_lost(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    define(settings, "back", "10.77.0.0/24")
    attachment = make("one", NetworkRequest("back"))
    plugin.attach(attachment)
    shutil.rmtree(settings.state_dir)
    (settings.config_dirs[0] / "back.conflist").unlink()
    remove_namespace(str(attachment.namespace))
    plugin.detach(attachment, AttachResult())


def test_addresses_of_the_dead_are_used_when_there_are_no_others(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    """Three addresses for containers; whoever had them was never detached (a crash)."""
    define(settings, "podman", "10.77.0.0/29")
    made = json.loads((settings.config_dirs[0] / "podman.conflist").read_text())
    made["plugins"][0]["ipam"]["ranges"][0][0]["rangeEnd"] = "10.77.0.4"
    (settings.config_dirs[0] / "podman.conflist").write_text(json.dumps(made))
    dead = [make(name) for name in ("a", "b", "c")]
    for attachment in dead:
        plugin.attach(attachment)
    with pytest.raises(NetworkError, match="no IP addresses available"):
        plugin.attach(make("too-many"))
    remove_namespace(str(dead[1].namespace))
    result = plugin.attach(make("next"))
    assert result.interfaces[0].addresses[0].address == "10.77.0.3/29"
    assert len(leases(settings)) == 3


def test_the_plugin_that_fails_is_named_and_the_first_network_undone(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    define(settings, "back", "10.77.0.0/24")
    (settings.config_dirs[0] / "bad.conflist").write_text(
        json.dumps(
            {
                "cniVersion": "1.0.0",
                "name": "bad",
                "plugins": [{"type": "macvlan", "master": "nosuch0", "ipam": {}}],
            }
        )
    )
    attachment = make("one", NetworkRequest("back"), NetworkRequest("bad"))
    with pytest.raises(NetworkError, match='network "bad": plugin "macvlan" failed') as caught:
        plugin.attach(attachment)
    assert "Link not found" in caught.value.message  # the plugin's own words
    assert leases(settings, "back") == []
    assert list(Path(settings.state_dir, "cni").iterdir()) == []


def test_versions_of_the_specification(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    for number, version in enumerate(("0.3.1", "0.4.0", "1.0.0")):
        name = f"v{number}"
        made = document(name, f"10.77.{number}.0/24")
        made["cniVersion"] = version
        made["plugins"][0]["bridge"] = f"cni-{name}"
        if version == "0.3.1":
            del made["plugins"][2]  # firewall speaks 0.4.0 and later
        (settings.config_dirs[0] / f"{name}.conflist").write_text(json.dumps(made))
        attachment = make(name, NetworkRequest(name))
        result = plugin.attach(attachment)
        assert result.interfaces[0].addresses[0].address == f"10.77.{number}.2/24"
        plugin.check(attachment, result)
        plugin.detach(attachment, result)
        assert leases(settings, name) == []


def test_the_next_network_publishes_the_ports_of_who_leaves(
    plugin: CNINetworks, make: Make, settings: NetworkSettings, sockets: Sockets
) -> None:
    """As podman's system test of `network connect` and `disconnect` has it."""
    for number, name in enumerate(("back", "front")):
        define(settings, name, f"10.77.{number}.0/24")
    port = PortMapping(80, 8000)
    first = make("one", NetworkRequest("back"), ports=[port])
    second = first.replace(networks=(NetworkRequest("front", interface="eth1"),))
    results = [plugin.attach(first), plugin.attach(second)]
    assert (results[0].ports, results[1].ports) == ((port,), ())
    listener = answer(sockets, first.namespace, 80)
    assert reached(sockets, listener, ("127.0.0.1", 8000))
    plugin.detach(first, results[0])
    assert reached(sockets, listener, ("127.0.0.1", 8000))
    other = make("two", ports=[port])
    with pytest.raises(NetworkError, match="address already in use"):
        plugin.attach(other)
    plugin.detach(second, results[1])
    taken = plugin.attach(other)
    plugin.detach(other, taken)
    assert plugin.attach(second).ports == (port,)
    assert reached(sockets, listener, ("127.0.0.1", 8000))
