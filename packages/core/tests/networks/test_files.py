"""hosts and resolv.conf as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import InvalidArgument
from rundlet.core.networks.files import hosts, resolv_conf

BASE = "127.0.0.1 localhost box # the machine\n\n::1 localhost\n10.0.0.9 host.containers.internal\n"


def test_hosts_as_podman_orders_them() -> None:
    text = hosts(BASE, ["foo:1.2.3.4"], [("10.88.0.7", ["abc", "web"])], "10.88.0.1")
    assert text == (
        "1.2.3.4\tfoo\n"
        "127.0.0.1\tlocalhost box\n"
        "::1\tlocalhost\n"
        "10.88.0.1\thost.containers.internal host.docker.internal\n"
        "10.88.0.7\tabc web\n"
    )


def test_an_added_name_wins_over_all_others() -> None:
    text = hosts(BASE, ["box;web:9.9.9.9", "six:[fd00::1]"], [("10.88.0.7", ["abc", "web"])], "")
    assert text.splitlines() == [
        "9.9.9.9\tbox web",
        "fd00::1\tsix",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost",
        "10.88.0.7\tabc",
    ]
    base = "1.2.3.4 web # another machine\n"
    assert hosts(base, [], [("10.88.0.7", ["abc", "web"]), ("10.88.0.8", ["web"])], "") == (
        "1.2.3.4\tweb\n127.0.0.1\tlocalhost\n::1\tlocalhost\n10.88.0.7\tabc\n"
    )


def test_host_gateway() -> None:
    assert hosts("", ["up:host-gateway"], [], "10.88.0.1").startswith("10.88.0.1\tup\n")
    with pytest.raises(InvalidArgument, match="up:host-gateway"):
        hosts("", ["up:host-gateway"], [], "")


HOST = "# made\nsearch a.b c.d\nnameserver 127.0.0.1\nnameserver 10.0.0.2\noptions ndots:5\n"


def test_the_host_s_resolv_conf_without_what_cannot_be_reached() -> None:
    assert resolv_conf(HOST) == "search a.b c.d\nnameserver 10.0.0.2\noptions ndots:5\n"
    assert "nameserver 127.0.0.1\n" in resolv_conf(HOST, private=False)


def test_what_is_given_replaces_each_part_of_the_host_s() -> None:
    text = resolv_conf(HOST, nameservers=["9.9.9.9"], search=["."], options=["rotate"])
    assert text == "nameserver 9.9.9.9\noptions rotate\n"


def test_public_nameservers_when_the_host_has_none() -> None:
    assert resolv_conf("nameserver ::1\n") == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"


@given(st.text())
def test_any_host_file_is_read(text: str) -> None:
    assert "nameserver " in resolv_conf(text)
    hosts(text, [], [], "")
