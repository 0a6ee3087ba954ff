"""Bridges joined in this process: as the real plugins would, and nothing that stays."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.network import (
    Attachment,
    Network,
    NetworkRequest,
    NetworkSettings,
    PortMapping,
)
from rundlet.core.errors import NetworkError
from rundlet.core.testing.network import inside, links, rules
from rundlet.core.testing.runtime.base import wait
from rundlet.net_cni import standard
from rundlet.net_cni.chain import derived
from rundlet.net_cni.config import from_document
from rundlet.net_cni.default import document
from rundlet.net_cni.leases import Leases, ranges
from rundlet.net_cni.plugin import CNINetworks

Make = Callable[..., Attachment]


def config(**changes: Any) -> dict[str, Any]:
    made = document("podman")
    made["plugins"][0].update(changes)
    network = from_document(made, "test")
    return derived(network, network.plugins[0], "")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"vlan": 0, "promiscMode": False},
        {"mtu": 1400, "forceAddress": True},
        {"isDefaultGateway": True},
        {"dns": {"nameservers": ["10.88.0.1"]}},
    ],
)
def test_bridges_that_are_done_here(changes: dict[str, Any]) -> None:
    assert standard.handles(config(**changes), "IgnoreUnknown=1;K8S_POD_NAME=one")


@pytest.mark.parametrize(
    "changes",
    [
        {"vlan": 7},
        {"promiscMode": True},
        {"macspoofchk": True},
        {"ipam": {}},
        {"ipam": {"type": "dhcp"}},
        {"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/31"}]]}},
        {"ipam": {"type": "host-local", "subnet": "10.0.0.0/24", "resolvConf": "/etc/x"}},
        {"ipam": {"type": "host-local", "subnet": "10.0.0.0/24", "routes": [{"mtu": 1}]}},
        {"runtimeConfig": {"ipRanges": [[]]}},
        {"args": {"cni": {"ips": ["10.88.0.9"]}}},
        {"new": "of a release to come"},
    ],
)
def test_bridges_that_are_left_to_the_plugin(changes: dict[str, Any]) -> None:
    assert not standard.handles(config(**changes), "")


def test_addresses_in_arguments_are_left_to_the_plugin() -> None:
    assert not standard.handles(config(), "IgnoreUnknown=1;IP=10.88.0.9")


def test_a_firewall_is_done_here_over_iptables_only() -> None:
    made = {"type": "firewall", "name": "podman", "cniVersion": "1.0.0"}
    assert standard.handles(made, "")
    assert standard.handles({**made, "backend": "iptables"}, "")
    assert not standard.handles({**made, "backend": "firewalld"}, "")
    assert not standard.handles({**made, "ingressPolicy": "same-bridge"}, "")


# --- with the kernel


def state(namespace: Path, words: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(inside(namespace, "ip", "-json", *words))
    return found


def without(found: Any, *names: str) -> Any:
    """JSON without what differs between two runs."""
    if isinstance(found, dict):
        return {key: without(value, *names) for key, value in found.items() if key not in names}
    return [without(one, *names) for one in found] if isinstance(found, list) else found


RANDOM = (
    "txqlen",
    "ifindex",
    "link_index",
    "address",
    "ifname",
    "mac",
    "name",
    "link",
    "link_netnsid",
)


def test_it_is_what_the_plugins_make(make: Make, settings: NetworkSettings) -> None:
    """Result, interface, routes and rules of both are the same."""
    attachment = make("one", NetworkRequest(ips=("10.88.0.9",)), ports=[PortMapping(80, 8000)])
    namespace = attachment.namespace
    assert namespace is not None
    seen = []
    for in_process in (True, False):
        options = {**settings.options, "in_process": in_process}
        plugin = CNINetworks(settings.replace(options=options))
        result = plugin.attach(attachment)
        seen.append(
            (
                without(result.raw["eth0"], *RANDOM),
                state(namespace, ["route"]),
                without(state(namespace, ["-4", "address", "show", "eth0"]), *RANDOM),
                rules(),
            )
        )
        plugin.detach(attachment, result)
    for mine, theirs in zip(*seen, strict=True):
        assert mine == theirs


def test_routes_that_the_plugins_do_not_have_are_made_here(
    make: Make, settings: NetworkSettings
) -> None:
    path = Path(settings.config_dirs[0]) / "dead.conflist"
    made = document("dead", "10.79.0.0/24")
    made["plugins"][0] |= {"bridge": "dead0"}
    wish = [
        {"dst": "10.2.0.0/24", standard.TYPE: "blackhole"},
        {"dst": "10.3.0.0/24", "gw": "10.79.0.9", "priority": 7},
        {"dst": "10.4.0.0/24", "gw": "10.79.0.9"},
    ]
    made["plugins"][0]["ipam"]["routes"] = wish
    path.write_text(json.dumps(made))
    attachment = make("one", NetworkRequest("dead"))
    namespace = attachment.namespace
    assert namespace is not None
    seen = []
    for in_process in (True, False):
        options = {**settings.options, "in_process": in_process}
        plugin = CNINetworks(settings.replace(options=options))
        result = plugin.attach(attachment)
        assert len(result.interfaces[0].routes) == len(wish)
        seen.append(without(state(namespace, ["route"]), "prefsrc"))
        plugin.detach(attachment, result)
    assert seen[0] == seen[1]
    assert [route["dst"] for route in seen[0] if route.get("type")] == ["10.2.0.0/24"]


def test_the_plugins_undo_what_was_done_here(make: Make, settings: NetworkSettings) -> None:
    """An engine with another setting, or of another tool, cleans up as well."""
    attachment = make("one", ports=[PortMapping(80, 8000)])
    result = CNINetworks(settings).attach(attachment)
    options = {**settings.options, "in_process": False}
    CNINetworks(settings.replace(options=options)).detach(attachment, result)
    assert not any("10.88.0.2" in rule for rule in rules())
    assert [link["ifname"] for link in links(attachment.namespace)] == ["lo"]


def test_nothing_is_left_after_the_last(plugin: CNINetworks, make: Make) -> None:
    """Not the bridge, and none of the chains that all share."""
    before = [link["ifname"] for link in links(None)], rules()
    first, second = make("one", ports=[PortMapping(80, 8000)]), make("two")
    results = [plugin.attach(attachment) for attachment in (first, second)]
    plugin.detach(first, results[0])
    assert "cni-podman0" in [link["ifname"] for link in links(None)]
    plugin.detach(second, results[1])
    left = [rule for rule in rules() if ": :" not in rule]  # the tables themselves stay
    assert ([link["ifname"] for link in links(None)], left) == before


def test_neighbours_learn_of_a_new_owner(plugin: CNINetworks, make: Make) -> None:
    """They would send to the MAC address of who had the address before, for ten seconds."""
    neighbour, anew = make("two"), make("one", NetworkRequest(ips=("10.88.0.9",)))
    plugin.attach(neighbour)
    assert neighbour.namespace is not None and anew.namespace is not None
    stale = ["neigh", "replace", "10.88.0.9", "lladdr", "02:00:00:00:00:09", "nud", "stale", "dev"]
    subprocess.run(["ip", *stale, "cni-podman0"], check=True)
    inside(neighbour.namespace, "ip", *stale, "eth0")
    plugin.attach(anew)
    (link,) = state(anew.namespace, ["link", "show", "eth0"])

    def known() -> str:
        (found,) = state(neighbour.namespace, ["neigh", "show", "10.88.0.9"])
        return str(found["lladdr"])

    host = subprocess.run(["ip", "neigh", "show", "10.88.0.9"], capture_output=True, check=True)
    assert b"02:00:00:00:00:09" not in host.stdout
    wait(lambda: known() == link["address"], "the neighbour was not told")


def test_a_bridge_of_somebody_else_stays(plugin: CNINetworks, make: Make) -> None:
    subprocess.run(["ip", "link", "add", "cni-podman0", "type", "bridge"], check=True)
    attachment = make("one")
    plugin.detach(attachment, plugin.attach(attachment))
    assert "cni-podman0" in [link["ifname"] for link in links(None)]


def test_a_chain_of_the_administrator_stays(plugin: CNINetworks, make: Make) -> None:
    """firewall's CNI-ADMIN is there for one's own rules."""
    first, second = make("one"), make("two")
    result = plugin.attach(first)
    subprocess.run(["iptables", "-A", "CNI-ADMIN", "-s", "10.88.0.2", "-j", "DROP"], check=True)
    plugin.detach(first, result)
    assert "iptables-save: -A CNI-ADMIN -s 10.88.0.2/32 -j DROP" in rules()
    plugin.attach(second)
    jumps = [rule for rule in rules() if rule.endswith("-j CNI-ADMIN")]
    assert len(jumps) == 1


def test_the_gateway_address_of_another_network(
    plugin: CNINetworks, make: Make, settings: NetworkSettings
) -> None:
    """A bridge whose address in that subnet is another one is somebody else's."""
    subprocess.run(["ip", "link", "add", "cni-podman0", "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", "10.88.0.77/16", "dev", "cni-podman0"], check=True)
    attachment = make("one")
    with pytest.raises(
        NetworkError, match=r"already has an IP address different from 10\.88\.0\.1"
    ):
        plugin.attach(attachment)
    assert [link["ifname"] for link in links(attachment.namespace)] == ["lo"]


def test_ipv6(plugin: CNINetworks, make: Make, settings: NetworkSettings) -> None:
    made = document("six", "fd00:77::/64")
    made["plugins"][0]["bridge"] = "cni-six"
    made["plugins"][0]["ipam"]["routes"] = [{"dst": "::/0"}]
    (settings.config_dirs[0] / "six.conflist").write_text(json.dumps(made))
    attachment = make("one", NetworkRequest("six"))
    result = plugin.attach(attachment)
    assert result.interfaces[0].addresses[0].address == "fd00:77::2/64"
    namespace = attachment.namespace
    assert namespace is not None
    routes = [route for route in state(namespace, ["-6", "route"]) if route["dst"] == "default"]
    assert [route["gateway"] for route in routes] == ["fd00:77::1"]
    plugin.check(attachment, result)
    plugin.detach(attachment, result)
    assert not any("fd00:77" in rule for rule in rules())


READ_ONLY = """
import sys
from rundlet.core.errors import NetworkError
from rundlet.net_cni import bridge, create
from rundlet.net_cni.execute import Call

ipam = {"dataDir": sys.argv[1], "ranges": [[{"subnet": "10.9.0.0/24"}]]}
config = {"name": "n", "type": "bridge", "ipam": ipam}
for work in (
    lambda: bridge.add(config, Call("ADD", "c", "/x", "eth0")),
    lambda: create.write(f"{sys.argv[1]}/n.conflist", {}),
):
    try:
        work()
    except NetworkError as error:
        print(error)
"""


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "n").mkdir()
    (tmp_path / "n/lock").touch()
    mounting = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$0" -c "$2" "$1"'
    words = ["unshare", "--mount", "sh", "-c", mounting, sys.executable, str(tmp_path), READ_ONLY]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f'network "n": plugin "bridge" failed (add): {tmp_path}/n/10.9.0.2: Read-only file system',
        f"cannot write {tmp_path}/n.conflist: Read-only file system",
    ]


@pytest.mark.parametrize("strict", ["first", "last"])
def test_strict_isolation(plugin: CNINetworks, make: Make, strict: str) -> None:
    """It holds also to networks without that option, and goes with the last that has it."""
    made = {}
    for number, name in enumerate(("alone", "plain") if strict == "first" else ("plain", "alone")):
        options = {"isolate": "strict"} if name == "alone" else {}
        subnets = ({"subnet": f"10.77.{number}.0/24"},)
        plugin.create_network(Network(name, options=options, subnets=subnets))
        attachment = make(name, NetworkRequest(name))
        made[name] = attachment, plugin.attach(attachment)
    address = made["plain"][1].interfaces[0].addresses[0].address.partition("/")[0]

    def reached() -> bool:
        words = [f"--net={made['alone'][0].namespace}", "busybox", "ping", "-c1", "-W1", address]
        return subprocess.run(["nsenter", *words], capture_output=True).returncode == 0

    assert not reached()
    subprocess.run(["iptables", "-F", "CNI-RUNDLET-OTHERS"], check=True)
    assert reached()
    for attachment, result in made.values():
        plugin.detach(attachment, result)
    assert not [rule for rule in rules() if "RUNDLET" in rule]


def test_an_address_that_another_has_is_not_given_back(tmp_path: Path) -> None:
    """What a cache says of a removed container may be somebody else's by now."""
    sets = ranges({"subnet": "10.0.0.0/29"})
    with Leases(str(tmp_path)) as leases:
        with open(tmp_path / "lock") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as the real plugin would
        (lease,) = leases.take(sets, "one", "eth0")
        leases.release([lease.address], "other", "eth0")
        leases.release([lease.address], "one", "eth1")
        assert leases.of("one", "eth0") == [lease.address]
        leases.release([lease.address], "one", "eth0")
        assert leases.of("one", "eth0") == []
