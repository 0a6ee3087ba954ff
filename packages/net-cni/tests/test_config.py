"""Configuration files: what is read, what is refused, and which one wins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import NetworkError
from rundlet.net_cni import config
from rundlet.net_cni.default import default_network, document

BRIDGE = {"type": "bridge", "ipam": {"type": "host-local"}}


def listed(**changes: Any) -> str:
    return json.dumps({"cniVersion": "0.4.0", "name": "n", "plugins": [BRIDGE], **changes})


def test_a_list() -> None:
    found = config.parse(listed(disableCheck="true"), "f")
    assert (found.name, found.version, found.plugins) == ("n", "0.4.0", (BRIDGE,))
    assert found.flag("disableCheck")
    assert not found.flag("disableGC")


def test_a_single_plugin_is_a_list_of_one() -> None:
    found = config.parse(json.dumps({"cniVersion": "0.3.1", "name": "n", **BRIDGE}), "f")
    assert found.plugins == (BRIDGE,)
    assert found.document == {"cniVersion": "0.3.1", "name": "n", "plugins": [BRIDGE]}


@pytest.mark.parametrize("version", config.VERSIONS)
def test_versions(version: str) -> None:
    assert config.parse(listed(cniVersion=version), "f").version == version


def test_the_highest_of_several_versions_that_is_known() -> None:
    text = listed(cniVersion="1.0.0", cniVersions=["0.4.0", "1.1.0", "9.0.0"])
    assert config.parse(text, "f").version == "1.1.0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[" * 100000, "no JSON"),
        ("[]", "not a JSON object"),
        ("{}", "invalid network name None"),
        (listed(name="a/b"), "invalid network name 'a/b'"),
        (listed(name="-a"), "invalid network name"),
        (listed(name=".."), "invalid network name"),
        (listed(plugins=[]), "no plugins"),
        (listed(plugins={}), "no plugins"),
        (listed(plugins=[1]), "no JSON object"),
        (listed(plugins=[{}]), "no proper type"),
        (listed(plugins=[{"type": "../../bin/sh"}]), "no proper type"),
        (listed(plugins=[{"type": "bridge", "ipam": []}]), "ipam of plugin bridge"),
        (listed(plugins=[{"type": "bridge", "capabilities": 1}]), "capabilities of plugin"),
        (listed(cniVersion="0.2.0"), "cniVersion 0.2.0 is not supported"),
        (json.dumps({"name": "n", "plugins": [BRIDGE]}), "cniVersion 0.1.0 is not supported"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(NetworkError, match=says) as caught:
        config.parse(text, "/etc/cni/net.d/x.conflist")
    assert str(caught.value).startswith("/etc/cni/net.d/x.conflist: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "type", "plugins", "cniVersion", "cniVersions", "ipam", "capabilities"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_nonsense_is_a_network_error_or_a_network(document: Any) -> None:
    try:
        found = config.parse(json.dumps(document), "f")
    except NetworkError:
        return
    assert found.plugins
    assert found.version in config.VERSIONS
    found.has("ips")


@given(st.binary(max_size=200))
def test_bytes_are_a_network_error(data: bytes) -> None:
    with pytest.raises(NetworkError):
        config.parse(data, "f")


# --- directories


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


def test_the_first_by_name_wins(directory: Path) -> None:
    (directory / "20-b.conflist").write_text(listed(name="second"))
    (directory / "10-a.conf").write_text(
        json.dumps({"cniVersion": "0.4.0", "name": "first", **BRIDGE})
    )
    (directory / "30-c.json").write_text(listed(name="first", plugins=[{"type": "ptp"}]))
    (directory / "cni.lock").write_text("")
    (directory / "40.conflist.bak").write_text("not looked at")
    directories = [str(directory / "none"), str(directory)]
    first = config.find(directories, "")
    assert first is not None
    assert first.name == "first"
    assert first.plugins == (BRIDGE,)
    found, wrong = config.load_all(directories)
    assert [network.name for network in found] == ["first", "second"]
    assert len(wrong) == 1
    assert "30-c.json" in wrong[0]


def test_a_damaged_file_is_in_nobodys_way(directory: Path) -> None:
    (directory / "00.conflist").write_text('{"name": "x"')
    assert len(config.load_all([str(directory)])[1]) == 1
    assert config.find([str(directory)], "good") is None
    (directory / "87-good.conf").mkdir()  # it may have been that one
    for name, file in (("x", "00"), ("", "00"), ("good", "87-good")):
        with pytest.raises(NetworkError, match=rf"{file}\.conf"):
            config.find([str(directory)], name)
    (directory / "10.conflist").write_text(listed(name="good"))
    found = config.find([str(directory)], "good")
    assert found is not None
    assert found.path == str(directory / "10.conflist")


def test_a_file_without_end(directory: Path) -> None:
    (directory / "big.conflist").write_bytes(b" " * 2_000_000)
    with pytest.raises(NetworkError, match="longer than"):
        config.find([str(directory)], "")


def test_the_default_network_is_sound() -> None:
    network = default_network("podman", "10.88.0.0/16")
    assert network.has("portMappings")
    assert network.has("ips")
    assert network.has("mac")
    assert [p["type"] for p in network.plugins] == ["bridge", "portmap", "firewall", "tuning"]
    assert network.document == document("podman", "10.88.0.0/16")
