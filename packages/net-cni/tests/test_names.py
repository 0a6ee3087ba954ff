"""Names of containers on user-defined networks, by a real aardvark-dns."""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rundlet.core.contracts.network import (
    Attachment,
    Network,
    NetworkRequest,
    NetworkSettings,
)
from rundlet.core.testing.network import inside, rules
from rundlet.net_cni import names
from rundlet.net_cni.cache import Record
from rundlet.net_cni.plugin import CNINetworks

Make = Callable[..., Attachment]
Sockets = Callable[..., socket.socket]

needs_server = pytest.mark.skipif(not names.program(), reason="aardvark-dns is not installed")


def server(settings: NetworkSettings) -> int:
    """The server's process id; 0 when it does not run."""
    try:
        pid = int(Path(settings.run_dir, "names/aardvark.pid").read_text())
        return pid if b"aardvark" in Path(f"/proc/{pid}/cmdline").read_bytes() else 0
    except (OSError, ValueError):
        return 0


@pytest.fixture(autouse=True)
def ended(settings: NetworkSettings) -> Iterator[None]:
    yield
    if pid := server(settings):
        os.kill(pid, signal.SIGTERM)


def ask(sockets: Sockets, attachment: Attachment, where: str, name: str) -> str:
    """The address of a name, asked for from inside a container; "" when there is none."""
    query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0)
    for part in name.split("."):
        query += bytes([len(part)]) + part.encode()
    query += b"\0" + struct.pack(">HH", 1, 1)
    client = sockets(attachment.namespace, socket.SOCK_DGRAM)
    client.settimeout(0.3)  # a name that it does not know goes to nameservers out of reach
    client.sendto(query, (where, 53))
    try:
        answer = client.recv(512)
    except OSError:
        return ""
    found = struct.unpack(">H", answer[6:8])[0]
    return socket.inet_ntoa(answer[-4:]) if found and not answer[3] & 15 else ""


def soon(check: Callable[[], bool]) -> bool:
    """Whether something becomes true: the server reads its files when it gets to it."""
    for _ in range(100):
        if check():
            return True
        time.sleep(0.02)
    return False


def network(plugin: CNINetworks, name: str) -> str:
    """Create a network; its gateway."""
    made = plugin.create_network(Network(name=name, dns_enabled=True))
    assert made.dns_enabled
    return str(made.subnets[0]["gateway"])


@needs_server
def test_containers_find_each_other(
    plugin: CNINetworks, make: Make, sockets: Sockets, settings: NetworkSettings
) -> None:
    gateway = network(plugin, "front")
    web = make("web", NetworkRequest("front", aliases=("www",)))
    first = plugin.attach(web)
    assert (first.nameservers, first.search) == ((gateway,), ("dns.podman",))
    address = first.interfaces[0].addresses[0].address.partition("/")[0]
    client = make("client", NetworkRequest("front"))
    second = plugin.attach(client)
    for name in ("web", "www", "web.dns.podman", web.container[:12]):
        assert soon(lambda name=name: ask(sockets, client, gateway, name) == address), name  # type: ignore[misc]
    assert ask(sockets, client, gateway, "nosuch") == ""
    plugin.rename(web, "shop")
    for name in ("shop", "www", web.container[:12]):
        assert soon(lambda name=name: ask(sockets, client, gateway, name) == address), name  # type: ignore[misc]
    assert soon(lambda: ask(sockets, client, gateway, "web") == "")
    plugin.detach(web.replace(name="shop"), first)
    assert soon(lambda: ask(sockets, client, gateway, "shop") == "")
    plugin.detach(client, second)
    assert soon(lambda: server(settings) == 0)


@needs_server
def test_networks_do_not_hear_of_each_other(
    plugin: CNINetworks, make: Make, sockets: Sockets
) -> None:
    gateways = [network(plugin, name) for name in ("front", "back")]
    web = make("web", NetworkRequest("front"))
    data = make("data", NetworkRequest("back"))
    both = make("both", NetworkRequest("front"), NetworkRequest("back"))
    results = [plugin.attach(one) for one in (web, data, both)]
    assert results[2].nameservers == tuple(gateways)
    assert soon(lambda: ask(sockets, both, gateways[0], "web") != "")
    assert soon(lambda: ask(sockets, both, gateways[1], "data") != "")
    assert ask(sockets, web, gateways[0], "data") == ""
    assert ask(sockets, data, gateways[1], "web") == ""


@needs_server
def test_a_server_that_was_killed_is_started_again(
    plugin: CNINetworks, make: Make, sockets: Sockets, settings: NetworkSettings
) -> None:
    gateway = network(plugin, "front")
    web = make("web", NetworkRequest("front"))
    plugin.attach(web)
    assert soon(lambda: server(settings) != 0)
    os.kill(server(settings), signal.SIGKILL)
    assert soon(lambda: server(settings) == 0)
    (lost,) = plugin.damage()
    assert lost.startswith("aardvark-dns of network front has ended")
    plugin.mend()
    assert soon(lambda: ask(sockets, web, gateway, "web") != "")
    assert plugin.damage() == []
    os.kill(server(settings), signal.SIGKILL)
    assert soon(lambda: server(settings) == 0)
    plugin.attach(make("other", NetworkRequest("front")))
    assert soon(lambda: server(settings) != 0)
    assert soon(lambda: ask(sockets, web, gateway, "other") != "")


@needs_server
def test_a_container_that_is_gone_is_forgotten(
    plugin: CNINetworks, make: Make, sockets: Sockets
) -> None:
    """Its starter was killed, and so was whoever should have detached it."""
    from rundlet.core.networks.namespace import remove_namespace

    gateway = network(plugin, "front")
    dead = make("dead", NetworkRequest("front"))
    plugin.attach(dead)
    remove_namespace(str(dead.namespace))
    client = make("client", NetworkRequest("front"))
    plugin.attach(client)
    assert soon(lambda: ask(sockets, client, gateway, "client") != "")
    assert ask(sockets, client, gateway, "dead") == ""


@needs_server
@pytest.mark.parametrize("in_process", [True, False])
def test_nothing_but_names_leaves_an_internal_network(
    make: Make, sockets: Sockets, settings: NetworkSettings, in_process: bool
) -> None:
    """Not by routes of the container's own, and not to other containers."""
    options = {**settings.options, "in_process": in_process}
    plugin = CNINetworks(settings.replace(options=options))
    subnets = ({"subnet": "10.77.0.0/24"}, {"subnet": "fd00:77::/64"})
    made = plugin.create_network(Network("inner", dns_enabled=True, internal=True, subnets=subnets))
    assert (made.internal, made.dns_enabled) == (True, True)
    outer = network(plugin, "outer")
    web, client = (make(name, NetworkRequest("inner")) for name in ("web", "client"))
    results = [plugin.attach(web), plugin.attach(client)]
    assert results[0].nameservers == ("10.77.0.1", "fd00:77::1")
    address = results[0].interfaces[0].addresses[0].address.partition("/")[0]
    assert soon(lambda: ask(sockets, client, "10.77.0.1", "web") == address)
    assert inside(client.namespace, "ip", "route", "show", "default") == ""
    file = Path(settings.run_dir, "names/inner%int")
    assert file.read_text().count(" 255.255.255.255\n") == 2
    # An outward network makes the host forward, and the way out is tried without one's leave.
    other = make("other", NetworkRequest("outer"))
    plugin.attach(other)
    inside(client.namespace, "ip", "route", "add", "default", "via", "10.77.0.1")
    inside(client.namespace, "ip", "route", "add", "default", "via", "fd00:77::1")
    listener = sockets(other.namespace, socket.SOCK_DGRAM)
    listener.bind(("", 7000))
    listener.settimeout(0.3)
    there = inside(other.namespace, "ip", "-4", "-o", "address", "show", "eth0").split()[3]
    sender = sockets(client.namespace, socket.SOCK_DGRAM)
    sender.sendto(b"x", (there.partition("/")[0], 7000))
    with pytest.raises(TimeoutError):
        listener.recv(1)
    dropped = [rule for rule in rules() if "CNI-RUNDLET-RESTRICTED" in rule and "DROP" in rule]
    assert len(dropped) == 4
    # Who is on an outward network too may ask by its server, also on the internal one.
    both = make("both", NetworkRequest("inner"), NetworkRequest("outer"))
    third = plugin.attach(both)
    assert file.read_text().count(" 255.255.255.255\n") == 2
    assert soon(lambda: ask(sockets, both, outer, "other") != "")
    for attachment, result in zip((web, client), results, strict=True):
        plugin.detach(attachment, result)
    plugin.detach(both, third)
    assert not file.exists()
    plugin.remove_network("inner")
    assert not [rule for rule in rules() if "RUNDLET" in rule]


def test_the_default_network_has_no_names(plugin: CNINetworks, make: Make) -> None:
    result = plugin.attach(make("one"))
    assert result.nameservers == ()


def test_a_network_that_wants_none(plugin: CNINetworks) -> None:
    assert not plugin.create_network(Network(name="quiet", dns_enabled=False)).dns_enabled


def test_the_file_of_a_network() -> None:
    ips = [
        {"address": "10.89.0.2/24", "gateway": "10.89.0.1"},
        {"address": "fd00::2/64", "gateway": "fd00::1"},
    ]
    one = Record("ab" * 32, "eth0", "/ns", "front", result={"ips": ips}, names=("web", "www"))
    two = one.replace(container="cd" * 32, names=("db",), dns=("9.9.9.9",), result={"ips": ips[:1]})
    assert names.text([one, two]) == (
        "10.89.0.1,fd00::1\n"
        f"{'ab' * 32} 10.89.0.2 fd00::2 web,www\n"
        f"{'cd' * 32} 10.89.0.2  db 9.9.9.9\n"
    )
