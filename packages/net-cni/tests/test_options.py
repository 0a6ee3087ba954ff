"""Options of new networks: what is kept of them, what no plugin can, what is none."""

from __future__ import annotations

import pytest

from rundlet.core.contracts.network import Network, NetworkRequest
from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.networks.interfaces import after_devices
from rundlet.net_cni.config import from_document
from rundlet.net_cni.create import conflist
from rundlet.net_cni.define import shown
from rundlet.net_cni.options import settled

SUBNETS = ({"subnet": "10.77.0.0/24", "gateway": "10.77.0.1"},)


def network(driver: str, **options: str) -> Network:
    return Network("n", driver=driver, interface="br7", subnets=SUBNETS, options=options)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"mtu": "0", "vlan": "0", "metric": "0", "isolate": "f"}, {}),
        (
            {"isolate": "T", "no_default_route": "1"},
            {"isolate": "true", "no_default_route": "true"},
        ),
        ({"com.docker.network.driver.mtu": "1400"}, {"mtu": "1400"}),
        ({"mode": "unmanaged", "vlan": "7"}, {"mode": "unmanaged", "vlan": "7"}),
    ],
)
def test_what_is_kept(given: dict[str, str], kept: dict[str, str]) -> None:
    assert settled(network("bridge", **given)).options == kept


def test_the_bridge_may_be_named_as_docker_does() -> None:
    wish = network("bridge", **{"com.docker.network.bridge.name": "mine"})
    assert settled(wish.replace(interface="")).interface == "mine"
    assert settled(wish) == network("bridge")


@pytest.mark.parametrize(
    ("driver", "options", "kind"),
    [
        ("bridge", {"vrf": "blue"}, NotSupported),
        ("macvlan", {"bclim": "7"}, NotSupported),
        ("ipvlan", {"bclim": "7"}, InvalidArgument),
        ("ipvlan", {"com.docker.network.driver.mtu": "1400"}, InvalidArgument),
        ("bridge", {"mode": "l2"}, InvalidArgument),
        ("bridge", {"mode": ""}, InvalidArgument),
        ("bridge", {"metric": "-1"}, InvalidArgument),
        ("bridge", {"mtu": "70000"}, InvalidArgument),
        ("bridge", {"no_default_route": "yes"}, InvalidArgument),
        ("bridge", {"ipam": "dhcp"}, InvalidArgument),
        ("vxlan", {}, InvalidArgument),
    ],
)
def test_what_cannot_be(driver: str, options: dict[str, str], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        settled(network(driver, **options).replace(subnets=()))


def test_nothing_is_done_to_a_bridge_of_others() -> None:
    for internal in (False, True):
        made = conflist(network("bridge", mode="unmanaged").replace(internal=internal), dns=True)
        assert [plugin["type"] for plugin in made["plugins"]] == ["bridge", "tuning"]
        first = made["plugins"][0]
        assert not (first["isGateway"] or first["ipMasq"])
        assert bool(first["ipam"]["routes"]) != internal
        seen = shown(from_document(made, "test"))
        assert (seen.internal, seen.dns_enabled) == (internal, False)


def test_interfaces_that_are_called_as_their_devices() -> None:
    known = {
        "m": Network("m", driver="macvlan", interface="ens3"),
        "i": Network("i", driver="ipvlan", interface="ens3"),
        "b": Network("b", driver="bridge", interface="cni0"),
    }
    wishes = (NetworkRequest("b"), NetworkRequest("m"), NetworkRequest("i"), NetworkRequest())
    found = after_devices(wishes, known, "m")
    assert [one.interface for one in found] == ["", "ens3", "", ""]
    asked = (NetworkRequest("m", "mine"), NetworkRequest("i"))
    assert [one.interface for one in after_devices(asked, known, "m")] == ["mine", "ens3"]
    assert [one.interface for one in after_devices(asked, known, "m", ["ens3"])] == ["mine", ""]
