"""Ports of the host: whether one is free, and one that is.

A port is free when the kernel lets us bind it; a published one has no listener, so that its
plugin must know of those besides.
"""

from __future__ import annotations

from _socket import (  # `socket` costs 2 ms to import
    AF_INET,
    AF_INET6,
    IPPROTO_IPV6,
    IPPROTO_SCTP,
    IPV6_V6ONLY,
    SO_REUSEADDR,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)
from errno import EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.network import PortMapping

KINDS = {
    "tcp": (SOCK_STREAM, 0),
    "udp": (SOCK_DGRAM, 0),
    "sctp": (SOCK_STREAM, IPPROTO_SCTP),
}
UNKNOWN = (EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT)
"""Errors of a kernel that does not have a protocol, and so nothing that listens by it."""

_TRIES = 50


def bind(port: PortMapping, number: int) -> socket:
    """A bound socket. As a server does: SO_REUSEADDR, so that TIME_WAIT is not in the way."""
    kind, protocol = KINDS[port.protocol]
    family = AF_INET6 if ":" in port.host_ip else AF_INET
    bound = socket(family, kind | SOCK_CLOEXEC, protocol)
    try:
        if kind == SOCK_STREAM:
            bound.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        if family == AF_INET6:
            bound.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        bound.bind((port.host_ip, number))
        if port.protocol == "tcp":
            bound.listen(1)  # with SO_REUSEADDR, bind alone succeeds beside another bound one
    except OSError:
        bound.close()
        raise
    return bound


def free(port: PortMapping) -> int:
    """A port that the kernel picks. Raises OSError."""
    try:
        with_kernel = bind(port, 0)
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise
        with_kernel = bind(port.replace(protocol="udp"), 0)
    number = int(with_kernel.getsockname()[1])
    with_kernel.close()
    return number


def picked(port: PortMapping, published: str) -> PortMapping:
    """With ports of the host that are free now; as it is where none are found.

    published: what containers publish, as `ps` prints it.
    """
    for _ in range(_TRIES):
        try:
            first = free(port)
        except OSError:
            return port  # the start tells why
        numbers = range(first, first + port.size)
        taken = numbers[-1] > 65535 or any(_published(number, published) for number in numbers)
        if not taken and all(_is_free(port, number) for number in numbers):
            return port.replace(host_port=first, picked=True)
    return port


def _is_free(port: PortMapping, number: int) -> bool:
    try:
        bind(port, number).close()
    except OSError as error:
        return error.errno in UNKNOWN
    return True


def _published(number: int, text: str) -> bool:
    return f":{number}-" in text or f"-{number}->" in text
