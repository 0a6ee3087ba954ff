"""Which network of several gives the default route."""

from __future__ import annotations

from rundlet.net_cni.default import document
from rundlet.net_cni.routes import (
    default_routes,
    has_metric,
    with_metric,
    without_default_routes,
)

IPV4 = {"0.0.0.0/0"}


def test_the_default_network_gives_one() -> None:
    assert default_routes([document("podman")]) == IPV4


def test_it_is_taken_out() -> None:
    left = without_default_routes(document("podman"), IPV4)
    assert default_routes([left]) == set()
    assert left["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.88.0.0/16"}]]


def test_other_routes_and_other_families_stay() -> None:
    made = document("both")
    routes = [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}, {"dst": "10.1.0.0/16"}]
    made["plugins"][0]["ipam"]["routes"] = routes
    left = without_default_routes(made, IPV4)
    assert left["plugins"][0]["ipam"]["routes"] == routes[1:]


def test_a_bridge_that_is_the_default_gateway_stays_a_gateway() -> None:
    made = {"plugins": [{"type": "bridge", "isDefaultGateway": True}]}
    assert default_routes([made]) == {"0.0.0.0/0", "::/0"}
    assert without_default_routes(made, IPV4) == {
        "plugins": [{"type": "bridge", "isGateway": True}]
    }


def test_nonsense_routes_are_none() -> None:
    assert default_routes([{"plugins": [{"type": "x", "ipam": {"routes": "all"}}]}]) == set()


def test_those_with_a_metric_stay_and_others_get_one() -> None:
    ranked = document("ranked")
    ranked["plugins"][0]["ipam"]["routes"] = [{"dst": "0.0.0.0/0", "priority": 7}]
    assert (has_metric(ranked), has_metric(document("plain"))) == (True, False)
    assert default_routes([ranked]) == set()
    assert without_default_routes(ranked, IPV4) == ranked
    plain = with_metric(document("plain"))
    assert plain["plugins"][0]["ipam"]["routes"] == [{"dst": "0.0.0.0/0", "priority": 100}]
    assert with_metric(ranked) == ranked
    other = {"plugins": [{"type": "macvlan", "ipam": {"routes": [{"dst": "0.0.0.0/0"}]}}]}
    assert with_metric(other) == other
