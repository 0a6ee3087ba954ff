"""`--publish` (podman-run(1)): [[ip:][hostPort]:]containerPort[/protocol], with ranges."""

from __future__ import annotations

from rundlet.core.contracts.network import PortMapping
from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.contracts.network import Protocol

_PROTOCOLS: dict[str, Protocol] = {"tcp": "tcp", "udp": "udp", "sctp": "sctp"}


def port_mappings(texts: tuple[str, ...]) -> tuple[PortMapping, ...]:
    """All of `--publish`. Raises InvalidArgument."""
    return tuple(mapping for text in texts for mapping in publish(text))


def publish(text: str) -> list[PortMapping]:
    """One `--publish`; several protocols ("80/tcp,udp") give several mappings."""
    address, slash, protocol = text.partition("/")
    protocols = protocol.lower().split(",") if slash else ["tcp"]
    for name in protocols:
        if name not in _PROTOCOLS:
            raise InvalidArgument(f"unrecognized protocol {name!r} in port mapping")
    ip, host, container = _split(text, address)
    first, count = _range(text, container)
    host_first, host_count = _range(text, host) if host else (0, count)
    if host and host_count != count and host_count != 0:
        raise InvalidArgument(
            f"host and container port ranges have different lengths: {host_count} vs {count}"
            f" in {text!r}"
        )
    return [PortMapping(first, host_first, _PROTOCOLS[name], ip, count) for name in protocols]


def _split(text: str, address: str) -> tuple[str, str, str]:
    """(ip, host port, container port) as text."""
    if address.startswith("["):
        ip, bracket, rest = address[1:].partition("]:")
        if not bracket:
            raise InvalidArgument(f"invalid IPv6 address in port mapping {text!r}")
        host, _, container = rest.rpartition(":")
        return _ip(text, ip), host, container
    parts = address.split(":")
    if len(parts) == 1:
        return "", "", parts[0]
    if len(parts) == 2:
        return "", parts[0], parts[1]
    if len(parts) == 3:
        return _ip(text, parts[0]), parts[1], parts[2]
    raise InvalidArgument(f"invalid port format {text!r}")


def is_address(text: str) -> bool:
    """Whether it is an address of IPv4 or IPv6, a zone after it allowed."""
    import socket

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
        except OSError:
            continue
        return True
    return False


def _ip(text: str, ip: str) -> str:
    if not ip:
        return ""
    import socket

    try:
        socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)
    except OSError:
        raise InvalidArgument(f"cannot parse {ip!r} as an IP address in {text!r}") from None
    return "" if ip in ("0.0.0.0", "::") and ip == "0.0.0.0" else ip


def _range(text: str, ports: str) -> tuple[int, int]:
    """(first, how many)."""
    low, dash, high = ports.partition("-")
    first = _port(text, low)
    last = _port(text, high) if dash else first
    if last < first:
        raise InvalidArgument(f"invalid port range {ports!r}: end is before start")
    return first, last - first + 1


def _port(text: str, number: str) -> int:
    if not number.isdecimal() or not 0 < int(number) < 65536:
        raise InvalidArgument(
            f"cannot parse {number!r} as a port number in {text!r}: ports are 1 to 65535"
        )
    return int(number)
