"""Leases in the files of the IPAM plugin host-local, so that both can give out addresses.

DATADIR/NETWORK/ holds a file per address with the container and the interface in it,
`last_reserved_ip.N` of range set N, where the next search begins, and `lock`, on which
everybody holds a flock(2). (The form of the real plugin, release 1.1.1, as strace shows it.)
"""

from __future__ import annotations

import fcntl
import os
from _socket import AF_INET, AF_INET6, inet_ntop

from rundlet.core.errors import NetworkError
from rundlet.core.value import Value

from .netlink import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

DIRECTORY = "/var/lib/cni/networks"
"""Where host-local keeps leases unless told otherwise."""

_NO_ADDRESS = "no IP addresses available in range set"  # as attach looks for it


class Range(Value):
    """Addresses of one subnet, as numbers; both ends count."""

    bits: int
    prefix: int
    network: int
    first: int
    last: int
    gateway: int

    def text(self, number: int) -> str:
        return text(number, self.bits)

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last and number != self.gateway


class Lease(Value):
    """An address with prefix length that was given out, and its gateway."""

    address: str
    prefix: int
    gateway: str


def text(number: int, bits: int) -> str:
    """An address of 32 or 128 bits as it is written."""
    family = AF_INET if bits == 32 else AF_INET6
    return inet_ntop(family, number.to_bytes(bits // 8, "big"))


def network_of(subnet: str) -> tuple[int, int, int]:
    """(first address, prefix length, bits) of a subnet in CIDR notation. Raises ValueError."""
    address, slash, length = subnet.partition("/")
    data = packed(address)
    bits = len(data) * 8
    prefix = int(length) if slash else bits
    if not 0 <= prefix <= bits:
        raise ValueError(f"{subnet}: prefix length")
    number = int.from_bytes(data, "big") >> (bits - prefix) << (bits - prefix)
    return number, prefix, bits


def ranges(ipam: Mapping[str, Any]) -> list[list[Range]]:
    """The range sets of a host-local configuration; one address is taken of each set.

    Raises ValueError, KeyError, TypeError for what host-local would refuse.
    """
    sets = list(ipam.get("ranges") or ())
    if "subnet" in ipam:
        sets.insert(0, [ipam])
    return [[_range(one) for one in several] for several in sets]


def _range(one: Mapping[str, Any]) -> Range:
    network, prefix, bits = network_of(one["subnet"])
    size = 1 << (bits - prefix)
    if size < 4:
        raise ValueError(f"{one['subnet']}: too small")
    broadcast = network + size - 1
    first, last = network + 1, broadcast - 1 if bits == 32 else broadcast
    gateway = network + 1
    if one.get("rangeStart"):
        first = _number(one["rangeStart"])
    if one.get("rangeEnd"):
        last = _number(one["rangeEnd"])
    if one.get("gateway"):
        gateway = _number(one["gateway"])
    if not network <= first <= last <= broadcast:
        raise ValueError(f"{one['subnet']}: range")
    return Range(bits, prefix, network, first, last, gateway)


def _number(address: str) -> int:
    return int.from_bytes(packed(address), "big")


class Leases:
    """The leases of one network, locked while inside `with`."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._descriptor = -1

    def __enter__(self) -> Leases:
        try:
            os.makedirs(self.directory, mode=0o755, exist_ok=True)
            path = os.path.join(self.directory, "lock")
            flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o750)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise NetworkError(f"cannot lock {self.directory}: {error.strerror}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def of(self, container: str, interface: str) -> list[str]:
        """The addresses that an interface has."""
        wanted = _owner(container, interface)
        return [name for name in self._names() if self._read(name) == wanted]

    def release(self, addresses: Sequence[str], container: str, interface: str) -> None:
        """Give back addresses, if they are that interface's."""
        wanted = _owner(container, interface)
        for address in addresses:
            if self._read(address) == wanted:
                os.unlink(os.path.join(self.directory, address))

    def take(
        self,
        sets: Sequence[Sequence[Range]],
        container: str,
        interface: str,
        wanted: Sequence[str] = (),
    ) -> list[Lease]:
        """One address of each set; `wanted` are taken where they fit. Raises NetworkError."""
        left = {_number(address): address for address in wanted}
        taken: list[Lease] = []
        try:
            for place, several in enumerate(sets):
                taken.append(self._take(place, several, container, interface, left))
            if left:
                raise NetworkError(
                    f"failed to allocate all requested IPs: {', '.join(left.values())}"
                )
        except BaseException:
            self.release([lease.address for lease in taken], container, interface)
            raise
        return taken

    def _take(
        self,
        place: int,
        several: Sequence[Range],
        container: str,
        interface: str,
        wanted: dict[int, str],
    ) -> Lease:
        bits = several[0].bits
        where = f"failed to allocate for range {place}"
        for number, address in wanted.items():
            for one in several:
                if one.bits == (128 if ":" in address else 32) and _in_subnet(number, one):
                    del wanted[number]
                    return self._asked(one, number, container, interface, where)
        for one, number in self._candidates(place, several):
            if self._reserve(one, number, container, interface):
                self._note_last(place, one.text(number))
                return Lease(one.text(number), one.prefix, one.text(one.gateway))
        ends = ",".join(f"{text(r.first, bits)}-{text(r.last, bits)}" for r in several)
        raise NetworkError(f"{where}: {_NO_ADDRESS}: {ends}")

    def _asked(self, one: Range, number: int, container: str, interface: str, where: str) -> Lease:
        address = one.text(number)
        if number == one.gateway:
            raise NetworkError(f"{where}: requested ip {address} is subnet's gateway")
        if number not in one or not self._reserve(one, number, container, interface):
            raise NetworkError(
                f"{where}: requested IP address {address} is not available in range set"
                f" {one.text(one.first)}-{one.text(one.last)}"
            )
        return Lease(address, one.prefix, one.text(one.gateway))

    def _candidates(self, place: int, several: Sequence[Range]) -> Iterator[tuple[Range, int]]:
        """All addresses of a set once, from behind the last one that was given out."""
        last = -1
        try:
            last = _number(self._read(f"last_reserved_ip.{place}"))
        except ValueError:
            pass
        begin = next((n for n, one in enumerate(several) if last in one), -1)
        if begin >= 0:
            one = several[begin]
            yield from ((one, number) for number in range(last + 1, one.last + 1) if number in one)
        order = [*several[begin + 1 :], *several[: begin + 1]]
        for one in order:
            yield from ((one, number) for number in range(one.first, one.last + 1) if number in one)

    def _reserve(self, one: Range, number: int, container: str, interface: str) -> bool:
        path = os.path.join(self.directory, one.text(number))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.fstat(descriptor).st_size:  # empty: of one that was killed while it wrote
                return False
            os.write(descriptor, _owner(container, interface).encode())
        finally:
            os.close(descriptor)
        return True

    def _note_last(self, place: int, address: str) -> None:
        path = os.path.join(self.directory, f"last_reserved_ip.{place}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(address)

    def _names(self) -> list[str]:
        return [n for n in os.listdir(self.directory) if n != "lock" and not n.startswith("last_")]

    def _read(self, name: str) -> str:
        try:
            with open(os.path.join(self.directory, name), encoding="utf-8", newline="") as file:
                return file.read().strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""


def _owner(container: str, interface: str) -> str:
    return f"{container}\r\n{interface}"


def _in_subnet(number: int, one: Range) -> bool:
    return number >> (one.bits - one.prefix) == one.network >> (one.bits - one.prefix)
