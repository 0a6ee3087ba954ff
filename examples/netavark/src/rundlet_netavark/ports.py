"""Published ports: which are free, and that those asked for are."""

from __future__ import annotations

import socket

from rundlet.core.errors import NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.core.contracts.network import PortMapping

_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def picked(
    asked: Sequence[PortMapping], taken: Sequence[Mapping[str, Any]]
) -> tuple[PortMapping, ...]:
    """The mappings with every host_port 0 replaced. Raises NetworkError for one in use."""
    used = {
        (one["protocol"], number)
        for one in taken
        for number in range(one["host_port"], one["host_port"] + one["range"])
    }
    found = []
    for mapping in asked:
        first = mapping.host_port or _free(mapping, used)
        numbers = range(first, first + mapping.size)
        for number in numbers:
            if (mapping.protocol, number) in used or not _bindable(mapping, number):
                raise NetworkError(
                    f"cannot publish port {number}/{mapping.protocol}: address already in use"
                )
        used |= {(mapping.protocol, number) for number in numbers}
        found.append(mapping.replace(host_port=first))
    return tuple(found)


def _free(mapping: PortMapping, used: set[tuple[str, int]]) -> int:
    """The first of as many free ports in a row as are asked for."""
    for _ in range(1000):
        with _socket(mapping) as probe:
            probe.bind((mapping.host_ip, 0))
            first: int = probe.getsockname()[1]
        numbers = range(first, first + mapping.size)
        if numbers[-1] < 65536 and all(
            (mapping.protocol, number) not in used and _bindable(mapping, number)
            for number in numbers
        ):
            return first
    raise NetworkError(f"no {mapping.size} free ports in a row")


def _bindable(mapping: PortMapping, number: int) -> bool:
    with _socket(mapping) as probe:
        try:
            probe.bind((mapping.host_ip, number))
        except OSError:
            return False
    return True


def _socket(mapping: PortMapping) -> socket.socket:
    family = socket.AF_INET6 if ":" in mapping.host_ip else socket.AF_INET
    made = socket.socket(family, _KINDS.get(mapping.protocol, socket.SOCK_STREAM))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
