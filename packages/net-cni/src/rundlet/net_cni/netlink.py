"""rtnetlink(7), as much of it as bridges and veth pairs take.

A plugin process that does the same costs ten milliseconds to start; the messages cost less
than one. Numbers are those of linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h and veth.h.
"""

from __future__ import annotations

import os
from _socket import AF_INET, AF_INET6, AF_UNSPEC, SOCK_CLOEXEC, SOCK_RAW, inet_pton, socket
from _struct import Struct

from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_AF_NETLINK, _NETLINK_ROUTE = 16, 0
_ERROR, _DONE = 2, 3
_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_NEWADDR, _GETADDR, _NEWROUTE, _DELNEIGH = 20, 22, 24, 29
_REQUEST, _ACK, _EXCLUSIVE, _CREATE, _DUMP = 0x1, 0x4, 0x200, 0x400, 0x300
_IFF_UP = 0x1
_ADDRESS, _NAME, _MTU, _LINK, _MASTER, _LINKINFO, _ALIAS = 1, 3, 4, 5, 10, 18, 20
_GROUP, _NETNS_FD = 27, 28
_KIND, _DATA, _SLAVE_KIND, _SLAVE_DATA = 1, 2, 4, 5
_PEER = 1  # VETH_INFO_PEER
_STATE, _HAIRPIN = 1, 4  # IFLA_BRPORT_STATE, IFLA_BRPORT_MODE
_FORWARDING = b"\3"  # BR_STATE_FORWARDING
_NDA_DST = 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_IFA_F_NODAD = 0x02
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY = 1, 4, 5, 6
DEAD_ENDS = {"blackhole": 6, "unreachable": 7, "prohibit": 8}  # rtnetlink(7), rtm_type
_TABLE_MAIN, _PROTOCOL_BOOT, _UNIVERSE, _UNICAST = 254, 3, 0, 1

_HEADER = Struct("=IHHII")  # length, type, flags, sequence, port
_LINK_MESSAGE = Struct("=BxHiII")  # family, type, index, flags, change
_ADDRESS_MESSAGE = Struct("=BBBBI")  # family, prefix, flags, scope, index
_ROUTE_MESSAGE = Struct("=BBBBBBBBI")  # family, dst, src, tos, table, protocol, scope, type, flags
_NEIGHBOUR_MESSAGE = Struct("=BxxxiHBB")  # family, index, state, flags, type
_ATTRIBUTE = Struct("=HH")
_NUMBER = Struct("=I")
_SIGNED = Struct("=i")
_BUFFER = 1 << 16


class Link(Value):
    """An interface. peer: the index of its other end (of a veth), master: of its bridge.

    forwarding: whether it is a port of a bridge that lets through what comes.
    """

    index: int
    name: str
    mac: str
    peer: int
    master: int
    alias: str
    forwarding: bool = False


def packed(address: str) -> bytes:
    """An IP address in network order; ValueError if it is none."""
    try:
        return inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except OSError:
        raise ValueError(f"{address} is no IP address") from None


def _attribute(kind: int, data: bytes) -> bytes:
    padding = bytes(-len(data) % 4)
    return _ATTRIBUTE.pack(len(data) + 4, kind) + data + padding


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, _NUMBER.pack(value))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


class Netlink:
    """A socket of the namespace in which it was made; what the kernel refuses is an OSError."""

    def __init__(self) -> None:
        self._socket = socket(_AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _NETLINK_ROUTE)
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    # --- links

    def link(self, name: str) -> Link | None:
        """The interface of a name."""
        body = _LINK_MESSAGE.pack(AF_UNSPEC, 0, 0, 0, 0) + _text(_NAME, name)
        try:
            return next(map(_parsed, self._ask(_GETLINK, _ACK, body)))
        except OSError as error:
            if error.errno != 19:  # ENODEV
                raise
            return None

    def ports(self, master: int) -> list[Link]:
        """The interfaces in a bridge."""
        body = _LINK_MESSAGE.pack(AF_UNSPEC, 0, 0, 0, 0) + _number(_MASTER, master)
        found = map(_parsed, self._ask(_GETLINK, _DUMP, body))
        return [link for link in found if link.master == master]

    def add_bridge(self, name: str, alias: str, mtu: int) -> None:
        """Make a bridge. mtu: 0 for the kernel's default.

        Its MAC address is its own; by default it would be the lowest of its ports' and change
        as they come and go, with everybody's ARP entry of the gateway.
        """
        mac = b"\x02" + os.urandom(5)  # locally administered
        attributes = _text(_NAME, name) + _attribute(_LINKINFO, _text(_KIND, "bridge"))
        attributes += _attribute(_ADDRESS, mac)
        if mtu:
            attributes += _number(_MTU, mtu)
        self._make(attributes)
        self._change(name, _text(_ALIAS, alias))

    def add_veth(
        self, name: str, master: int, peer: str, namespace: int, *, mtu: int = 0, mac: str = ""
    ) -> None:
        """Make a pair: `name` up in a bridge, `peer` in the namespace of a descriptor."""
        other = _LINK_MESSAGE.pack(AF_UNSPEC, 0, 0, 0, 0)
        other += _text(_NAME, peer) + _number(_NETNS_FD, namespace)
        attributes = _text(_NAME, name) + _number(_MASTER, master)
        if mtu:
            other += _number(_MTU, mtu)
            attributes += _number(_MTU, mtu)
        if mac:
            other += _attribute(_ADDRESS, bytes.fromhex(mac.replace(":", "").replace("-", "")))
        info = _text(_KIND, "veth") + _attribute(_DATA, _attribute(_PEER, other))
        self._make(attributes + _attribute(_LINKINFO, info), up=True)

    def set_hairpin(self, name: str) -> None:
        """Let a port of a bridge send back what came in by it."""
        data = _attribute(_SLAVE_DATA, _attribute(_HAIRPIN, b"\1"))
        self._change(name, _attribute(_LINKINFO, _text(_SLAVE_KIND, "bridge") + data), up=True)

    def set_up(self, name: str) -> None:
        self._change(name, b"", up=True)

    def set_mac(self, name: str, mac: str) -> None:
        """Also one that it has: the kernel tells the neighbours then (arp_notify)."""
        self._change(name, _attribute(_ADDRESS, bytes.fromhex(mac.replace(":", ""))))

    def delete(self, *indexes: int) -> None:
        """Remove interfaces; several go at once, which takes the kernel as long as one."""
        if len(indexes) == 1:
            self._ask_one(_DELLINK, 0, _LINK_MESSAGE.pack(AF_UNSPEC, 0, indexes[0], 0, 0))
            return
        group = 0x72000000 | indexes[0]  # of nobody else: indexes are unique in a namespace
        for index in indexes:
            body = _LINK_MESSAGE.pack(AF_UNSPEC, 0, index, 0, 0) + _number(_GROUP, group)
            self._ask_one(_NEWLINK, 0, body)
        body = _LINK_MESSAGE.pack(AF_UNSPEC, 0, 0, 0, 0) + _number(_GROUP, group)
        self._ask_one(_DELLINK, 0, body)

    def _make(self, attributes: bytes, *, up: bool = False) -> None:
        flags = _IFF_UP if up else 0
        body = _LINK_MESSAGE.pack(AF_UNSPEC, 0, 0, flags, flags) + attributes
        self._ask_one(_NEWLINK, _CREATE | _EXCLUSIVE, body)

    def _change(self, name: str, attributes: bytes, *, up: bool = False) -> None:
        flags = _IFF_UP if up else 0
        body = _LINK_MESSAGE.pack(AF_UNSPEC, 0, 0, flags, flags) + _text(_NAME, name)
        self._ask_one(_NEWLINK, 0, body + attributes)

    # --- addresses and routes

    def addresses(self, index: int) -> list[tuple[bytes, int]]:
        """(address in network order, prefix length) of an interface, without link-local ones."""
        found = []
        for data in self._ask(_GETADDR, _DUMP, _ADDRESS_MESSAGE.pack(AF_UNSPEC, 0, 0, 0, 0)):
            _, prefix, _, scope, of = _ADDRESS_MESSAGE.unpack_from(data)
            attributes = dict(_attributes(data, _ADDRESS_MESSAGE.size))
            if of == index and scope == _UNIVERSE:
                found.append((attributes.get(_IFA_LOCAL) or attributes[_IFA_ADDRESS], prefix))
        return found

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Add an address; one that is there already is right. IPv6: without waiting (no DAD)."""
        data = packed(address)
        family, flags = (AF_INET, 0) if len(data) == 4 else (AF_INET6, _IFA_F_NODAD)
        body = _ADDRESS_MESSAGE.pack(family, prefix, flags, _UNIVERSE, index)
        body += _attribute(_IFA_LOCAL, data) + _attribute(_IFA_ADDRESS, data)
        if len(data) == 4 and prefix < 31:
            last = int.from_bytes(data, "big") | ((1 << (32 - prefix)) - 1)
            body += _attribute(_IFA_BROADCAST, last.to_bytes(4, "big"))
        try:
            self._ask_one(_NEWADDR, _CREATE | _EXCLUSIVE, body)
        except FileExistsError:
            return

    def forget_neighbour(self, index: int, address: str) -> None:
        """Drop whose MAC address was last known for an address; no error where none was."""
        data = packed(address)
        family = AF_INET if len(data) == 4 else AF_INET6
        body = _NEIGHBOUR_MESSAGE.pack(family, index, 0, 0, 0) + _attribute(_NDA_DST, data)
        try:
            self._ask_one(_DELNEIGH, 0, body)
        except FileNotFoundError:
            return

    def add_route(
        self,
        index: int,
        destination: str,
        prefix: int,
        gateway: str,
        metric: int = 0,
        kind: str = "",
    ) -> None:
        """Add a route by an interface; prefix 0: the default route. FileExistsError.

        kind: of `DEAD_ENDS`, a route that leads nowhere, and so by no interface and gateway.
        """
        data = packed(destination)
        family = AF_INET if len(data) == 4 else AF_INET6
        body = _ROUTE_MESSAGE.pack(
            family, prefix, 0, 0, _TABLE_MAIN, _PROTOCOL_BOOT, _UNIVERSE,
            DEAD_ENDS[kind] if kind else _UNICAST, 0,
        )  # fmt: skip
        if prefix:
            body += _attribute(_RTA_DST, data)
        if gateway:
            body += _attribute(_RTA_GATEWAY, packed(gateway))
        if not kind:
            body += _number(_RTA_OIF, index)
        if metric:
            body += _number(_RTA_PRIORITY, metric)
        self._ask_one(_NEWROUTE, _CREATE | _EXCLUSIVE, body)

    # --- messages

    def _ask_one(self, kind: int, flags: int, body: bytes) -> None:
        for _ in self._ask(kind, flags | _ACK, body):
            pass

    def _ask(self, kind: int, flags: int, body: bytes) -> Iterator[bytes]:
        """Send a request; the bodies of what comes back, until it is acknowledged or done."""
        self._sequence += 1
        size = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(size, kind, flags | _REQUEST, self._sequence, 0) + body)
        answers: list[bytes] = []
        while True:
            data = self._socket.recv(_BUFFER)
            place = 0
            while place < len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, place)
                content = data[place + _HEADER.size : place + length]
                place += (length + 3) & ~3
                if sequence != self._sequence:
                    continue
                if kind == _DONE:
                    return iter(answers)
                if kind == _ERROR:
                    _raise(-_SIGNED.unpack_from(content)[0])
                    return iter(answers)
                answers.append(content)


def _raise(number: int) -> None:
    if number:
        raise OSError(number, os.strerror(number))


def _attributes(data: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    while place + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, place)
        yield kind & 0x3FFF, data[place + 4 : place + length]
        place += (length + 3) & ~3


def _parsed(data: bytes) -> Link:
    index = _LINK_MESSAGE.unpack_from(data)[2]
    found = dict(_attributes(data, _LINK_MESSAGE.size))

    info = dict(_attributes(found.get(_LINKINFO, b""), 0))
    port = dict(_attributes(info.get(_SLAVE_DATA, b""), 0))

    def number(kind: int) -> int:
        return int(_NUMBER.unpack(found[kind])[0]) if kind in found else 0

    return Link(
        index=index,
        name=found[_NAME].rstrip(b"\0").decode(errors="replace"),
        mac=found.get(_ADDRESS, b"").hex(":"),
        peer=number(_LINK),
        master=number(_MASTER),
        alias=found.get(_ALIAS, b"").rstrip(b"\0").decode(errors="replace"),
        forwarding=port.get(_STATE) == _FORWARDING,
    )
