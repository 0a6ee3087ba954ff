from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.containers.names import generate, identifier
from rundlet.core.containers.request import ContainerRequest, Device, Mount, Resources
from rundlet.core.containers.stored import (
    Network,
    decode,
    encode,
    network_of,
    network_text,
    request_of,
    request_text,
)
from rundlet.core.contracts.network import (
    Address,
    Attachment,
    AttachResult,
    InterfaceResult,
    NetworkRequest,
    PortMapping,
)
from rundlet.core.contracts.storage import IdMap

words = st.text(max_size=8)
requests = st.builds(
    ContainerRequest,
    image=words,
    command=st.none() | st.lists(words, max_size=3).map(tuple),
    entrypoint=st.none() | st.lists(words, max_size=3).map(tuple),
    env=st.dictionaries(words, words, max_size=3),
    terminal=st.booleans(),
    stop_timeout=st.none() | st.integers(0, 99),
    uid_map=st.lists(st.builds(IdMap, st.integers(), st.integers(), st.integers()), max_size=2).map(
        tuple
    ),
    networks=st.lists(
        st.builds(NetworkRequest, words, ips=st.lists(words, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
    ports=st.lists(st.builds(PortMapping, st.integers(1, 9), host_ip=words), max_size=2).map(tuple),
    mounts=st.lists(
        st.builds(Mount, words, words, words, st.lists(words, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
    devices=st.lists(st.builds(Device, words), max_size=2).map(tuple),
    secrets=st.lists(st.dictionaries(words, words, max_size=2), max_size=2).map(tuple),
    resources=st.builds(Resources, memory=st.none() | st.integers(), cpus=st.none() | st.just(0.5)),
    healthcheck=st.none() | st.just({"Test": ("CMD", "true")}),
)


@given(requests)
def test_a_request_comes_back_as_it_was(request: ContainerRequest) -> None:
    assert request_of(request_text(request)).replace(healthcheck=None) == request.replace(
        healthcheck=None
    )


def test_only_what_was_said_is_stored() -> None:
    assert encode(ContainerRequest()) == {}
    assert json.loads(request_text(ContainerRequest(image="x"))) == {"image": "x"}


def test_fields_of_a_newer_release_are_left_out() -> None:
    assert decode(ContainerRequest, {"image": "x", "news": 1}) == ContainerRequest(image="x")


def test_an_attachment_comes_back() -> None:
    attachment = Attachment("id", "name", None, (NetworkRequest("net"),), (PortMapping(80, 8080),))
    result = AttachResult(
        (InterfaceResult("net", "eth0", "aa:bb", (Address("10.0.0.2/16", "10.0.0.1"),)),),
        nameservers=("10.0.0.1",),
        raw={"cni": [1]},
    )
    network = Network("cni", attachment, result)
    back = network_of(network_text(network))
    assert back is not None and back.result is not None
    assert back.attachment == attachment
    assert back.result.interfaces == result.interfaces
    assert network_of(network_text(Network("cni", attachment))) == Network("cni", attachment)
    assert network_of("") is None


def test_names() -> None:
    names = {generate() for _ in range(200)}
    assert len(names) > 180
    assert all(name.count("_") == 1 and name.replace("_", "").isalpha() for name in names)
    assert len(identifier()) == 64
