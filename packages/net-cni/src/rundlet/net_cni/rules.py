"""The packet filter rules of one attachment: all made at once, all removed at once."""

from __future__ import annotations

from .leases import network_of, text
from .standard import is_internal, is_strict, needs_masquerade
from .tables import Family, Masquerade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from .cache import Record


def add(
    plugins: Sequence[Mapping[str, Any]], record: Record, bridges: Callable[[], Iterable[str]]
) -> None:
    """The rules of plugins that were done in this process, for the addresses of a result.

    bridges: gives those that have containers.

    Raises NetworkError; none of a table's rules is made then.
    """
    addresses = addresses_of(record)
    hidden = any(needs_masquerade(config) for config in plugins)
    let_through = any(config["type"] == "firewall" for config in plugins)
    closed = [str(config["bridge"]) for config in plugins if is_internal(config)]
    strict = [str(config["bridge"]) for config in plugins if is_strict(config)]
    own = record.document["plugins"][0].get("bridge")
    for version in _versions(address for address, _ in addresses):
        family = Family(version)
        mine = tuple(pair for pair in addresses if _version(pair[0]) == version)
        if hidden:
            family.masquerade(Masquerade(record.network, record.container, mine))
        if let_through:
            family.forward(address for address, _ in mine)
        for bridge in closed:
            family.close(bridge)
        for bridge in strict:
            family.isolate(bridge, bridges())
        if own:
            family.fence(own)
        family.commit()


def remove(record: Record, addresses: Iterable[str], *, last: bool) -> None:
    """All rules of an attachment, whichever of them are there.

    addresses: that it had, beside those of its result. last: also what nobody uses any more;
    only for who is alone with the rules. Raises NetworkError.
    """
    had = {*addresses, *(address for address, _ in addresses_of(record))}
    for version in _versions(had) or (4, 6):
        family = Family(version)
        mine = [address for address in had if _version(address) == version]
        family.remove(record.network, record.container, mine)
        if last:
            _sweep(family)
        family.commit()


def sweep() -> None:
    """Remove what nobody uses any more; for who is alone with the rules. Raises NetworkError."""
    for version in (4, 6):
        family = Family(version)
        _sweep(family)
        family.commit()


def _sweep(family: Family) -> None:
    for bridge in filter(_is_gone, family.restricted()):
        family.open(bridge)
    family.sweep()


def addresses_of(record: Record) -> tuple[tuple[str, str], ...]:
    """(address, its subnet in CIDR notation) of a result."""
    found = []
    for ip in record.result.get("ips", ()):
        number, prefix, bits = network_of(ip["address"])
        found.append((ip["address"].partition("/")[0], f"{text(number, bits)}/{prefix}"))
    return tuple(found)


def _is_gone(bridge: str) -> bool:
    from .netlink import Netlink

    with Netlink() as host:
        return host.link(bridge) is None


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _versions(addresses: Iterable[str]) -> Sequence[int]:
    return sorted({_version(address) for address in addresses})
