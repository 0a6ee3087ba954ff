"""Subnets for new networks: valid, and not one that the host or another network has."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from rundlet.core.errors import InvalidArgument, NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    IPNetwork = IPv4Network | IPv6Network

POOLS = ("10.89.0.0/16 24", "10.90.0.0/15 24", "10.92.0.0/14 24", "10.96.0.0/11 24",
         "10.128.0.0/9 24")  # fmt: skip
"""Where new IPv4 networks get their subnets, and of which size (podman's own)."""
_TRIES = 100


def parse(text: str) -> IPNetwork:
    """A subnet in CIDR notation. Raises InvalidArgument."""
    try:
        if "/" in text:  # one address is none, though Python takes it
            return ip_network(text, strict=False)
    except ValueError:
        pass
    raise InvalidArgument(
        f"invalid CIDR address: {text}", remedy="Give a subnet as 10.89.0.0/24 is."
    )


def address(text: str, what: str, subnet: IPNetwork) -> str:
    """An address inside a subnet. Raises InvalidArgument."""
    try:
        found = ip_address(text)
    except ValueError:
        raise InvalidArgument(f"{what} {text} is no IP address") from None
    if found not in subnet:
        raise InvalidArgument(f"{what} {text} not in subnet {subnet}")
    return str(found)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def completed(wish: Mapping[str, str]) -> dict[str, str]:
    """A wished subnet with its gateway and range. Raises InvalidArgument.

    ip_range, START-END or CIDR, becomes start_ip and end_ip; the gateway is the first address
    unless given.
    """
    subnet = parse(wish.get("subnet", ""))
    if subnet.num_addresses < 4:
        raise InvalidArgument(f"subnet {subnet} is too small: it has no address for a container")
    gateway = wish.get("gateway") or str(subnet[1])
    found = {"subnet": str(subnet), "gateway": address(gateway, "gateway", subnet)}
    if wish.get("ip_range"):
        found["start_ip"], found["end_ip"] = _range(wish["ip_range"], subnet)
    for key in ("start_ip", "end_ip"):
        if wish.get(key):
            found[key] = address(wish[key], key, subnet)
    return found


def _range(text: str, subnet: IPNetwork) -> tuple[str, str]:
    """The first and the last address of START-END or of a part in CIDR notation."""
    start, dash, end = text.partition("-")
    if dash:
        for which, word in (("start", start), ("end", end)):
            if not _is_address(word):
                raise InvalidArgument(f'range {which} ip "{word}" is not a ip address')
        first, last = (address(word, "ip range: address", subnet) for word in (start, end))
        if ip_address(first) > ip_address(last):  # type: ignore[operator]  # one version
            raise InvalidArgument(f"ip range {text}: it ends before it starts")
        return first, last
    part = parse(text)
    if part.version != subnet.version or not part.subnet_of(subnet):  # type: ignore[arg-type]  # one version
        raise InvalidArgument(f"ip range {part} not in subnet {subnet}")
    whole = part == subnet
    return (
        str(part[1] if whole or part[0] == subnet[0] else part[0]),
        str(part[-2] if part[-1] == subnet[-1] else part[-1]),
    )


def refuse_overlap(subnets: Sequence[Mapping[str, str]], used: Sequence[IPNetwork]) -> None:
    """Raises InvalidArgument for subnets that overlap one in use, or each other."""
    seen: list[IPNetwork] = []
    for one in subnets:
        subnet = parse(one["subnet"])
        if any(_overlap(subnet, other) for other in used):
            raise InvalidArgument(
                f"subnet {subnet} is already used on the host or by another config",
                remedy="`rundlet network ls` and `ip route` show them; choose another.",
            )
        if any(_overlap(subnet, other) for other in seen):
            raise InvalidArgument(f"subnet {subnet} is given twice")
        seen.append(subnet)


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)


def free_ipv4(pools: Sequence[str], used: Sequence[IPNetwork]) -> str:
    """The first free subnet of some pools, each "BASE SIZE" ("10.89.0.0/16 24").

    Raises NetworkError where there is none, InvalidArgument for a pool that is none.
    """
    for pool in pools:
        base, _, size = pool.partition(" ")
        try:
            candidates = IPv4Network(base).subnets(new_prefix=int(size))
            for candidate in candidates:
                if not any(_overlap(candidate, other) for other in used):
                    return str(candidate)
        except ValueError as error:
            raise InvalidArgument(f"default_subnet_pools: {pool!r}: {error}") from None
    raise NetworkError("could not find free subnet from subnet pools", remedy="Give --subnet.")


def free_ipv6(used: Sequence[IPNetwork]) -> str:
    """A random unique local /64 (RFC 4193). Raises NetworkError."""
    for _ in range(_TRIES):
        prefix = b"\xfd" + os.urandom(7) + bytes(8)
        candidate = IPv6Network((prefix, 64))
        if not any(_overlap(candidate, other) for other in used):
            return str(candidate)
    raise NetworkError("could not find a free IPv6 subnet", remedy="Give --subnet.")


def of_host() -> list[IPNetwork]:
    """The subnets that the host has routes to, but for default routes (proc(5), net/route)."""
    found: list[IPNetwork] = []
    for fields in _lines("/proc/net/route", skip=1):
        destination = bytes.fromhex(fields[1])[::-1]
        mask = bytes.fromhex(fields[7])[::-1]
        if any(mask):
            found.append(IPv4Network((destination, ip_address(mask).exploded), strict=False))
    for fields in _lines("/proc/net/if_inet6"):
        local = IPv6Network((bytes.fromhex(fields[0]), int(fields[2], 16)), strict=False)
        if not (local.is_link_local or local.is_loopback):
            found.append(local)
    return found


def interfaces() -> set[str]:
    """The names of the host's interfaces."""
    return {fields[0].partition(":")[0] for fields in _lines("/proc/net/dev", skip=2)}


def _lines(path: str, skip: int = 0) -> Iterable[list[str]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()[skip:]
    except OSError:  # a kernel without IPv6
        return []
    return [line.split() for line in lines if line.split()]
