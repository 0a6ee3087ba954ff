"""Published ports: free before anything is done, and given to one container only.

A published port has no listener: a second container that publishes it would silently lose.
So each one is a symbolic link in the run directory that names its container; a port is
free when no such link is in the way and the kernel lets us bind it.
"""

from __future__ import annotations

import os
from errno import EADDRINUSE, EADDRNOTAVAIL

from rundlet.core.errors import InvalidArgument, NetworkError
from rundlet.core.networks import host_ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from rundlet.core.contracts.network import PortMapping

_ANY = ("", "0.0.0.0", "::")
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
        """Reserve ports for a container; host_port 0 becomes one that is free, as does one that
        was only picked for it and is in use.

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
            try:
                self._reserve(container, port)
                return port
            except NetworkError:
                if not port.picked:
                    raise
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
                host_ports.bind(port, number).close()
            except OSError as error:
                if error.errno not in host_ports.UNKNOWN:
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
    if port.protocol not in host_ports.KINDS:
        raise InvalidArgument(f'unknown protocol "{port.protocol}" of port {port.container_port}')
    for first in (port.host_port, port.container_port):
        if port.size < 1 or first < 0 or first + port.size - 1 > 65535:
            raise InvalidArgument(f"port {first}: ports are from 1 to 65535")
    if not port.container_port:
        raise InvalidArgument("container port 0: ports are from 1 to 65535")


def unreachable(ports: Iterable[PortMapping], families: Collection[bool]) -> Iterator[str]:
    """Why published ports lead nowhere. families: of the container, by whether it is IPv6.

    IPv6 has no route_localnet: the kernel lets no answer to ::1 in by another interface than lo.
    """
    for port in ports:
        ipv6 = ":" in port.host_ip
        where = f"[{port.host_ip}]:{port.host_port}" if ipv6 else f"{port.host_ip}:{port.host_port}"
        if port.host_ip == "::1":
            yield f"port {where} cannot be reached: nothing is forwarded from ::1; use 127.0.0.1"
        elif port.host_ip and port.host_ip not in _ANY and ipv6 not in families:
            kind = "IPv6" if ipv6 else "IPv4"
            yield f"port {where} cannot be reached: the container has no {kind} address"


def _free(port: PortMapping) -> int:
    """A port that the kernel picks."""
    try:
        return host_ports.free(port)
    except OSError as error:
        raise _refused(port, 0, error) from None


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
