"""Which network of several gives the default route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rundlet.core.contracts.network import Attachment, Network, NetworkRequest, NetworkSettings
from rundlet.core.testing.network import inside
from rundlet.net_cni.default import document
from rundlet.net_cni.plugin import CNINetworks
from rundlet.net_cni.routes import ranked, split

Make = Callable[..., Attachment]
DEFAULT = {"dst": "0.0.0.0/0"}


def routes(made: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made["plugins"][0]["ipam"]["routes"]
    return found


def test_each_comes_after_those_before() -> None:
    first = ranked(document("a"), [])
    assert routes(first) == [{**DEFAULT, "priority": 100}]
    second = ranked(document("b"), [first])
    assert routes(second) == [{**DEFAULT, "priority": 101}]
    wish = document("c")
    wish["plugins"][0]["ipam"]["routes"] = [{"dst": "10.1.0.0/16"}, {**DEFAULT, "priority": 101}]
    third = ranked(wish, [first, second])
    assert routes(third) == [{**DEFAULT, "priority": 102}, {"dst": "10.1.0.0/16"}]


def test_a_bridge_that_is_the_default_gateway() -> None:
    made = document("both")
    made["plugins"][0]["ipam"] |= {"routes": [], "ranges": [[{"subnet": "fd00::/64"}]]}
    made["plugins"][0] |= {"isDefaultGateway": True, "isGateway": False}
    found = ranked(made, [])
    assert routes(found) == [{"dst": "::/0", "priority": 100}]
    first = found["plugins"][0]
    assert (first["isGateway"], "isDefaultGateway" in first) == (True, False)


def test_other_plugins_keep_theirs_unless_there_is_one() -> None:
    made = {"plugins": [{"type": "ptp", "ipam": {"routes": [DEFAULT, {"dst": "10.1.0.0/16"}]}}]}
    assert ranked(made, []) == made
    assert routes(ranked(made, [document("podman")])) == [{"dst": "10.1.0.0/16"}]
    assert split(made["plugins"][0]) == (made["plugins"][0], ())


def test_nonsense_routes_are_none() -> None:
    for ipam in ({"routes": "all"}, {}, {"ranges": [[]], "subnet": 7}):
        made = {"plugins": [{"type": "bridge", "isDefaultGateway": "ranges" in ipam, "ipam": ipam}]}
        assert ranked(made, []) == made


@pytest.mark.parametrize("in_process", [True, False])
def test_who_leaves_a_network_goes_out_by_the_next(
    make: Make, settings: NetworkSettings, in_process: bool
) -> None:
    options = {**settings.options, "in_process": in_process}
    plugin = CNINetworks(settings.replace(options=options))
    names = ("one", "two", "late", "quiet")
    for number, name in enumerate(names):
        plugin.create_network(
            Network(
                name,
                subnets=({"subnet": f"10.77.{number}.0/24"}, {"subnet": f"fd00:77:{number}::/64"}),
                options={"late": {"metric": "7"}, "quiet": {"no_default_route": "1"}}.get(name, {}),
            )
        )
    whole = make("c", NetworkRequest("quiet"), NetworkRequest("one"), NetworkRequest("two"))
    result = plugin.attach(whole)
    namespace = whole.namespace

    def defaults() -> list[list[str]]:
        shown = [
            inside(namespace, "ip", family, "route", "show", "default") for family in ("-4", "-6")
        ]
        return [[line.split()[2] for line in text.splitlines()] for text in shown]

    assert defaults() == [["10.77.0.1", "10.77.1.1"], ["fd00:77::1", "fd00:77:1::1"]]
    plugin.check(whole, result)
    left = whole.replace(networks=(NetworkRequest("one", interface="eth1"),))
    plugin.detach(left, result)
    assert defaults() == [["10.77.1.1"], ["fd00:77:1::1"]]
    late = whole.replace(networks=(NetworkRequest("late", interface="eth3"),))
    more = plugin.attach(late)
    assert defaults() == [["10.77.2.1", "10.77.1.1"], ["fd00:77:2::1", "fd00:77:1::1"]]
    plugin.attach(left)  # joined again: it is the last then
    assert [found[-1] for found in defaults()] == ["10.77.0.1", "fd00:77::1"]
    plugin.detach(late, more)
    assert [found[0] for found in defaults()] == ["10.77.1.1", "fd00:77:1::1"]
