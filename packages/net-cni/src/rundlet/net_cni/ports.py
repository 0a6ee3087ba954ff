"""Published ports: free before anything is done, and given to one container only.

A published port has no listener: a second container that publishes it would silently lose.
So each one is a symbolic link in the run directory that names its container; a port is
free when no such link is in the way and the kernel lets us bind it.
"""

from __future__ import annotations

import os
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
from errno import EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT

from rundlet.core.errors import InvalidArgument, NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rundlet.core.contracts.network import PortMapping

_ANY = ("", "0.0.0.0", "::")
_KINDS = {
    "tcp": (SOCK_STREAM, 0),
    "udp": (SOCK_DGRAM, 0),
    "sctp": (SOCK_STREAM, IPPROTO_SCTP),
}
_UNKNOWN = (EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT)
_TRIES = 50  # to find a free range


class Ports:
    """The ports of all containers, as links below a directory. Hold a lock around `take`.

    alive: whether a container is attached. One that is not, left by a killed process, does
    not keep its ports.
    """

    def __init__(self, directory: str, alive: Callable[[str], bool]) -> None:
        self.directory = directory
        self._alive = alive

    def take(self, container: str, ports: Sequence[PortMapping]) -> tuple[PortMapping, ...]:
        """Reserve ports for a container; host_port 0 becomes one that is free.

        Raises NetworkError for one in use, InvalidArgument; nothing is reserved then.
        """
        if not ports:
            return ()
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        try:
            return tuple(self._take(container, port) for port in ports)
        except BaseException:
            self.release([container])
            raise

    def _take(self, container: str, port: PortMapping) -> PortMapping:
        validate(port)
        if port.host_port:
            self._reserve(container, port)
            return port
        for _ in range(_TRIES):
            chosen = port.replace(host_port=_free(port))
            try:
                validate(chosen)
                self._reserve(container, chosen)
            except (NetworkError, InvalidArgument):
                continue
            return chosen
        raise NetworkError(f"failed to find {port.size} free {port.protocol} ports in a row")

    def _reserve(self, container: str, port: PortMapping) -> None:
        taken = self._taken()
        for number in range(port.host_port, port.host_port + port.size):
            for other, owner in taken.get((port.protocol, number), ()):
                if not (other == port.host_ip or other in _ANY or port.host_ip in _ANY):
                    continue
                if owner == container or self._alive(owner):
                    raise _in_use(port, number, f" (published by container {owner[:12]})")
                self.release([owner])
            try:
                _bind(port, number).close()
            except OSError as error:
                if error.errno not in _UNKNOWN:
                    raise _refused(port, number, error) from None
        for number in range(port.host_port, port.host_port + port.size):
            path = os.path.join(self.directory, f"{port.protocol}_{number}_{port.host_ip}")
            os.symlink(container, path)

    def _taken(self) -> dict[tuple[str, int], list[tuple[str, str]]]:
        """(protocol, port) to addresses and containers."""
        found: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for name, owner in self._links():
            protocol, number, address = name.split("_", 2)
            found.setdefault((protocol, int(number)), []).append((address, owner))
        return found

    def _links(self) -> Iterable[tuple[str, str]]:
        try:
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return
        for name in names:
            try:
                yield name, os.readlink(os.path.join(self.directory, name))
            except FileNotFoundError:  # given back a moment ago
                continue

    def owners(self) -> set[str]:
        """Containers with reserved ports."""
        return {owner for _, owner in self._links()}

    def release(self, containers: Iterable[str]) -> None:
        """Give back all ports of these containers."""
        gone = set(containers)
        for name, owner in self._links():
            if owner in gone:
                try:
                    os.unlink(os.path.join(self.directory, name))
                except FileNotFoundError:
                    continue


def validate(port: PortMapping) -> None:
    """Raises InvalidArgument for what cannot be a port."""
    if port.protocol not in _KINDS:
        raise InvalidArgument(f'unknown protocol "{port.protocol}" of port {port.container_port}')
    for first in (port.host_port, port.container_port):
        if port.size < 1 or first < 0 or first + port.size - 1 > 65535:
            raise InvalidArgument(f"port {first}: ports are from 1 to 65535")
    if not port.container_port:
        raise InvalidArgument("container port 0: ports are from 1 to 65535")


def _bind(port: PortMapping, number: int) -> socket:
    """A bound socket. As a server does: SO_REUSEADDR, so that TIME_WAIT is not in the way."""
    kind, protocol = _KINDS[port.protocol]
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


def _free(port: PortMapping) -> int:
    """A port that the kernel picks."""
    try:
        with_kernel = _bind(port, 0)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise _refused(port, 0, error) from None
        with_kernel = _bind(port.replace(protocol="udp"), 0)
    number = int(with_kernel.getsockname()[1])
    with_kernel.close()
    return number


def _where(port: PortMapping, number: int) -> str:
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    version = "6" if ":" in port.host_ip else "4"
    return f"listen {port.protocol}{version} {address}:{number}"


def _in_use(port: PortMapping, number: int, owner: str = "") -> NetworkError:
    """podman's words, which scripts look for."""
    return NetworkError(
        f"cannot listen on the {port.protocol.upper()} port: {_where(port, number)}:"
        f" bind: address already in use{owner}",
        remedy=f"Publish another port than {number}, or stop what uses it.",
    )


def _refused(port: PortMapping, number: int, error: OSError) -> NetworkError:
    if error.errno == EADDRINUSE:
        return _in_use(port, number)
    remedy = ""
    if error.errno == EADDRNOTAVAIL:
        remedy = f"The host has no address {port.host_ip}."
    return NetworkError(
        f"cannot listen on the {port.protocol.upper()} port: {_where(port, number)}:"
        f" bind: {error.strerror or error}",
        remedy=remedy,
    )
