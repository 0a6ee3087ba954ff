"""Published ports: free, given once, and given back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core.contracts.network import PortMapping
from rundlet.core.errors import InvalidArgument, NetworkError
from rundlet.net_cni.ports import Ports, unreachable


@pytest.fixture(autouse=True)
def isolated(host: None) -> None:
    """Ports are those of a namespace of the test's own."""


@pytest.fixture
def living() -> set[str]:
    return {"a", "b"}


@pytest.fixture
def ports(tmp_path: Path, living: set[str]) -> Ports:
    return Ports(str(tmp_path / "ports"), lambda container: container in living)


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        listener.bind(("", 8080))
        listener.listen()
        datagrams.bind(("", 8080))
        yield 8080


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("address", ["", "127.0.0.1", "0.0.0.0"])
def test_a_port_that_somebody_listens_on(
    ports: Ports, busy: int, protocol: str, address: str
) -> None:
    wanted = PortMapping(80, busy - 1, protocol, address, size=2)  # type: ignore[arg-type]
    with pytest.raises(NetworkError) as caught:
        ports.take("a", [PortMapping(80, 7000), wanted])
    assert caught.value.message == (
        f"cannot listen on the {protocol.upper()} port: listen {protocol}4 {address}:8080:"
        " bind: address already in use"
    )
    assert "8080" in caught.value.remedy
    assert ports.owners() == set(), "the first one was not given back"


def test_the_other_protocol_is_another_port(ports: Ports) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("", 8080))
        assert ports.take("a", [PortMapping(80, 8080)]) == (PortMapping(80, 8080),)


def test_one_address_of_several(ports: Ports) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 8080))
        listener.listen()
        ports.take("a", [PortMapping(80, 8080, "tcp", "127.0.0.1")])
        with pytest.raises(NetworkError, match=r"127\.0\.0\.2:8080: bind: address already in use"):
            ports.take("b", [PortMapping(80, 8080, "tcp", "127.0.0.2")])


def test_an_address_that_the_host_has_not(ports: Ports) -> None:
    with pytest.raises(NetworkError, match=r"192\.0\.2\.77:8080: bind: Cannot assign") as caught:
        ports.take("a", [PortMapping(80, 8080, "tcp", "192.0.2.77")])
    assert "no address 192.0.2.77" in caught.value.remedy


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("", "", True),
        ("127.0.0.1", "", True),
        ("", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_a_port_of_another_container(ports: Ports, first: str, second: str, clash: bool) -> None:
    ports.take("a", [PortMapping(80, 8079, "tcp", first, 3)])
    wanted = [PortMapping(80, 8081, "tcp", second)]
    if clash:
        with pytest.raises(NetworkError, match="published by container a"):
            ports.take("b", wanted)
    else:
        ports.take("b", wanted)
    ports.take("b", [PortMapping(80, 8082, "tcp", second)])


def test_one_port_twice(ports: Ports) -> None:
    with pytest.raises(NetworkError, match="already in use"):
        ports.take("a", [PortMapping(80, 8080), PortMapping(81, 8080)])
    assert ports.owners() == set()


def test_ports_of_the_dead_are_free(ports: Ports, living: set[str]) -> None:
    ports.take("a", [PortMapping(80, 8080), PortMapping(81, 8081)])
    living.remove("a")
    ports.take("b", [PortMapping(80, 8080)])
    assert ports.owners() == {"b"}


def test_any_port(ports: Ports) -> None:
    asked = [PortMapping(80), PortMapping(90, 0, "udp", "127.0.0.1", 4)]
    first = ports.take("a", asked)
    second = ports.take("b", asked)
    for one, other in zip(first, second, strict=True):
        assert one.host_port >= 1024
        assert one.host_port != other.host_port
    assert [port.replace(host_port=0) for port in first] == asked
    ports.release(["a"])
    assert ports.owners() == {"b"}
    ports.release(["b", "nobody"])
    assert list(Path(ports.directory).iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        PortMapping(0, 80),
        PortMapping(70000, 80),
        PortMapping(80, 70000),
        PortMapping(65535, 80, size=2),
        PortMapping(80, 65530, size=10),
        PortMapping(80, -1),
        PortMapping(80, 80, size=0),
        PortMapping(80, 80, "icmp"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_port(ports: Ports, wrong: PortMapping) -> None:
    with pytest.raises(InvalidArgument):
        ports.take("a", [wrong])


def test_time_wait_is_not_in_the_way(ports: Ports) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 8080))
        listener.listen()
        with socket.create_connection(("127.0.0.1", 8080)):
            accepted, _ = listener.accept()
            accepted.close()
    ports.take("a", [PortMapping(80, 8080)])


def test_a_port_that_was_only_picked_gives_way(ports: Ports) -> None:
    (first,) = ports.take("a", [PortMapping(80)])
    wish = PortMapping(80, first.host_port, picked=True)
    (second,) = ports.take("b", [wish])
    assert second.host_port != first.host_port and second.picked
    ports.release(["a"])
    assert ports.take("c", [wish]) == (wish,)


def test_ports_that_lead_nowhere() -> None:
    asked = ["", "0.0.0.0", "::", "127.0.0.1", "::1", "fd00::7"]
    ports = [PortMapping(80, 8000, host_ip=host_ip) for host_ip in asked]
    assert [line.split(": ")[1] for line in unreachable(ports, {False})] == [
        "nothing is forwarded from ::1; use 127.0.0.1",
        "the container has no IPv6 address",
    ]
    assert len(list(unreachable(ports, {False, True}))) == 1
    assert next(unreachable(ports[3:4], {True})).startswith("port 127.0.0.1:8000 cannot be reached")
