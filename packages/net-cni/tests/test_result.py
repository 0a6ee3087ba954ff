"""Results of plugins, of all versions, and nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.contracts.network import Address
from rundlet.core.errors import NetworkError
from rundlet.net_cni.result import dns_of, interface_of

INTERFACES = [
    {"name": "cni0", "mac": "aa:aa:aa:aa:aa:aa"},
    {"name": "veth1", "mac": "bb:bb:bb:bb:bb:bb", "sandbox": ""},
    {"name": "eth0", "mac": "cc:cc:cc:cc:cc:cc", "sandbox": "/run/netns/x"},
]


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_versions(version: str) -> None:
    ip: dict[str, Any] = {"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 2}
    if version < "1":
        ip["version"] = "4"
    result = {
        "cniVersion": version,
        "interfaces": INTERFACES,
        "ips": [ip, {"address": "192.0.2.1/24", "interface": 0}],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    found = interface_of(result, "n", "eth0", namespace="/run/netns/x", aliases=("a",))
    assert found.mac == "cc:cc:cc:cc:cc:cc"
    assert found.addresses == (Address("10.1.0.5/16", "10.1.0.1"),)
    assert found.routes == ({"dst": "0.0.0.0/0"},)
    assert found.aliases == ("a",)


def test_a_plugin_that_names_no_interfaces() -> None:
    found = interface_of({"ips": [{"address": "10.1.0.5/16"}]}, "n", "eth0")
    assert found.addresses == (Address("10.1.0.5/16"),)
    assert found.mac == ""


def test_a_layer_two_network_has_no_addresses() -> None:
    found = interface_of({"interfaces": INTERFACES, "ips": None}, "n", "eth0")
    assert (found.mac, found.addresses) == ("cc:cc:cc:cc:cc:cc", ())


def test_dns() -> None:
    dns = {"nameservers": ["1.2.3.4"], "domain": "a.b", "search": ["c"], "options": ["ndots:2"]}
    assert dns_of({"dns": dns}) == (["1.2.3.4"], ["a.b", "c"], ["ndots:2"])
    assert dns_of({}) == ([], [], [])
    assert dns_of({"dns": {"nameservers": "x"}}) == ([], [], [])


@pytest.mark.parametrize(
    "result", [{"ips": 1}, {"ips": [1]}, {"ips": [{}]}, {"interfaces": "x"}, {"routes": [0]}]
)
def test_nonsense(result: dict[str, Any]) -> None:
    with pytest.raises(NetworkError, match='network "n": result'):
        interface_of(result, "n", "eth0")


VALUE = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
DICT = st.dictionaries(
    st.sampled_from(["name", "mac", "sandbox", "address", "gateway", "interface", "dst"]), VALUE
)


@given(
    st.dictionaries(
        st.sampled_from(["interfaces", "ips", "routes", "dns"]), VALUE | st.lists(DICT) | DICT
    )
)
def test_any_answer_is_a_result_or_a_network_error(result: dict[str, Any]) -> None:
    dns_of(result)
    try:
        interface_of(result, "n", "eth0")
    except NetworkError:
        return
