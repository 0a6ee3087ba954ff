"""The plugin keeps its contract on Debian's netavark; names, fixed addresses, and networks."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rundlet_netavark import NetavarkNetworks

from rundlet.core.contracts.network import (
    Attachment,
    Network,
    NetworkPlugin,
    NetworkRequest,
    NetworkSettings,
    PortMapping,
)
from rundlet.core.errors import (
    AlreadyExists,
    InUse,
    InvalidArgument,
    NetworkError,
    NoSuchNetwork,
    NotSupported,
)
from rundlet.core.testing.network import NetworkPluginContract, inside

Make = Callable[..., Attachment]


class TestNetavark(NetworkPluginContract):
    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> NetworkPlugin:
        made = NetavarkNetworks(settings)
        made.create_network(Network("broken", driver="macvlan", options={"parent": "nosuch0"}))
        return made

    def failing(self, attachment: Attachment) -> Attachment:
        return attachment.replace(networks=(NetworkRequest(), NetworkRequest("broken")))

    def test_networks(self, plugin: NetworkPlugin, make: Make) -> None:
        made = plugin.create_network(Network("blue"))
        assert (made.name, made.driver, made.dns_enabled) == ("blue", "bridge", True)
        assert [network.name for network in plugin.networks()] == ["podman", "blue", "broken"]
        one = make("one", (NetworkRequest("blue", ips=("10.93.1.77",)), NetworkRequest()))
        result = plugin.attach(one)
        assert [one.interface for one in result.interfaces] == ["eth0", "eth1"]
        assert result.interfaces[0].addresses[0].address == "10.93.1.77/24"
        with pytest.raises(NetworkError, match="in use"):
            plugin.attach(make("two", (NetworkRequest("blue", ips=("10.93.1.77",)),)))
        with pytest.raises(InUse):
            plugin.remove_network("blue")
        plugin.detach(one, result)
        plugin.remove_network("blue")
        with pytest.raises(NoSuchNetwork):
            plugin.attach(one)

    def test_names(self, plugin: NetworkPlugin, make: Make) -> None:
        """aardvark-dns answers on the gateway, and ends with the last container."""
        plugin.create_network(Network("blue"))
        one = make("server", (NetworkRequest("blue", aliases=("www",)),))
        two = make("client", (NetworkRequest("blue"),))
        server, client = plugin.attach(one), plugin.attach(two)
        address = server.interfaces[0].addresses[0].address.partition("/")[0]
        for name in ("server", "www"):
            words = ("busybox", "nslookup", f"{name}.dns.podman", *client.nameservers)
            assert address in _answer(two.namespace, *words)
        pid = int((plugin.settings.run_dir / "netavark/aardvark-dns/aardvark.pid").read_text())
        descriptor = os.pidfd_open(pid)
        plugin.detach(one, server)
        plugin.detach(two, client)
        assert select.select([descriptor], [], [], 60)[0], "aardvark-dns goes on"
        os.close(descriptor)

    def test_ports_in_use(self, plugin: NetworkPlugin, make: Make) -> None:
        first, second = (make(name, ports=(PortMapping(80, 8080),)) for name in ("one", "two"))
        result = plugin.attach(first)
        with pytest.raises(NetworkError, match="8080/tcp: address already in use"):
            plugin.attach(second)
        plugin.detach(first, result)
        plugin.attach(second)

    @pytest.mark.parametrize(
        ("network", "error"),
        [
            (Network("podman"), AlreadyExists),
            (Network("a/b"), InvalidArgument),
            (Network("blue", subnets=({"subnet": "10.92.1.0/24"},)), InvalidArgument),
            (Network("blue", subnets=({"subnet": "nonsense"},)), InvalidArgument),
            (Network("blue", driver="ipvlan"), NotSupported),
        ],
    )
    def test_wrong_networks(
        self, plugin: NetworkPlugin, network: Network, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            plugin.create_network(network)


def test_without_the_programs(tmp_path: Path) -> None:
    settings = NetworkSettings(tmp_path, tmp_path, options={"directory": str(tmp_path)})
    found = NetavarkNetworks(settings).probe()
    assert not found.works
    assert "apt install netavark aardvark-dns" in found.reason


def _answer(namespace: str, *words: str) -> str:
    """What a name server says once it has heard of all: it is told by a signal, and reads later."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return inside(namespace, *words)
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
