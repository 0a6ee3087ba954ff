"""The plugin types bridge and host-local, done in this process.

The real plugins take five processes, and an iptables each for a dozen rules, to join a bridge:
100 ms. The same by netlink and one iptables-restore takes a tenth of that. What is made is the
same, by name and text (releases 1.1.1 of the plugins): the real ones can CHECK and DEL it.
Configurations that cannot be done here go to them (standard.py).
"""

from __future__ import annotations

import os
from errno import ENODEV
from time import sleep

from rundlet.core.errors import NetworkError
from rundlet.core.networks.namespace import Inside

from .execute import PluginFailed
from .leases import DIRECTORY, Leases, ranges
from .netlink import Netlink, packed
from .routes import add_route
from .standard import host_interface, is_internal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .execute import Call
    from .leases import Lease
    from .netlink import Link

_OURS = "rundlet"
"""Alias of bridges that are made here, and so go with their last port."""

_DEFAULT_BRIDGE = "cni0"
_VETH = "veth"
_ATTEMPTS = 5  # at a name that no other veth has
_LONGEST_WAIT = 100  # milliseconds for a port to forward; those of a bridge with STP take longer


# --- ADD


def add(config: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Join a bridge, which is made if it is not there; the result as the plugin gives it.

    Rules are for the caller to make. Raises PluginFailed; nothing is left then.
    """
    try:
        leases = Leases(_directory(config))
        with leases:
            wanted = config.get("runtimeConfig", {}).get("ips") or ()
            plain = [address.partition("/")[0] for address in wanted]
            taken = leases.take(ranges(config["ipam"]), call.container, call.interface, plain)
        try:
            return _joined(config, call, taken)
        except BaseException:
            _separate(config, call)
            with leases:
                addresses = [lease.address for lease in taken]
                leases.release(addresses, call.container, call.interface)
            raise
    except (OSError, ValueError) as error:
        raise _failed(config, "add", _words(error)) from error
    except PluginFailed:
        raise
    except NetworkError as error:
        raise _failed(config, "add", error.message) from error


def _words(error: OSError | ValueError) -> str:
    """What went wrong, with the file where it is about one."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _failed(config: Mapping[str, Any], command: str, words: str) -> PluginFailed:
    where = f'network "{config["name"]}": plugin "{config["type"]}" failed ({command})'
    return PluginFailed(f"{where}: {words}", words=words)


def _directory(config: Mapping[str, Any]) -> str:
    return os.path.join(config["ipam"].get("dataDir") or DIRECTORY, config["name"])


def _joined(config: Mapping[str, Any], call: Call, taken: Sequence[Lease]) -> dict[str, Any]:
    with Netlink() as host:
        bridge = _bridge(host, config, taken)
        port = _pair(host, config, call, bridge)
        with Inside(call.namespace):
            mac = _configure(config, call, taken)
            _announce(host, (bridge, port), (call.interface, mac), taken)
        bridge = host.link(bridge.name) or bridge  # it may have taken the port's address
    return _result(config, call, taken, (bridge, port, mac))


def _bridge(host: Netlink, config: Mapping[str, Any], taken: Sequence[Lease]) -> Link:
    name = config.get("bridge") or _DEFAULT_BRIDGE
    bridge = host.link(name)
    if bridge is None:
        host.add_bridge(name, _OURS, int(config.get("mtu") or 0))
        _write(f"/proc/sys/net/ipv6/conf/{name}/accept_ra", "0", optional=True)
        bridge = host.link(name)
        if bridge is None:
            raise _failed(config, "add", f"bridge {name} vanished")
    if is_internal(config):
        for family in {"ipv6" if ":" in lease.address else "ipv4" for lease in taken}:
            _write(f"/proc/sys/net/{family}/conf/{name}/forwarding", "0")
    if config.get("isGateway") or config.get("isDefaultGateway"):
        for lease in taken:
            _own_gateway(host, config, bridge, lease)
    host.set_up(name)
    return bridge


def _own_gateway(host: Netlink, config: Mapping[str, Any], bridge: Link, lease: Lease) -> None:
    """The bridge has the gateway's address, and the host forwards, but for internal networks."""
    wanted = packed(lease.gateway), lease.prefix
    for address, prefix in host.addresses(bridge.index):
        same_subnet = len(address) == len(wanted[0]) and _subnet(address, prefix) == _subnet(
            wanted[0], prefix
        )
        if (address, prefix) != wanted and same_subnet and not config.get("forceAddress"):
            words = f"{bridge.name} already has an IP address different from {lease.gateway}"
            raise _failed(config, "add", words)
    host.add_address(bridge.index, lease.gateway, lease.prefix)
    if is_internal(config):
        return
    if ":" in lease.gateway:
        _write("/proc/sys/net/ipv6/conf/all/forwarding", "1")
    else:
        _write("/proc/sys/net/ipv4/ip_forward", "1")


def _subnet(address: bytes, prefix: int) -> int:
    return int.from_bytes(address, "big") >> (len(address) * 8 - prefix)


def _pair(host: Netlink, config: Mapping[str, Any], call: Call, bridge: Link) -> Link:
    """A veth pair: one end in the bridge, the other in the container."""
    mtu = int(config.get("mtu") or 0)
    mac = str(config.get("runtimeConfig", {}).get("mac") or "")
    namespace = os.open(call.namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        wanted = host_interface(call.arguments)
        if wanted and host.link(wanted) is not None:
            raise _failed(config, "add", f"interface {wanted} exists already on the host")
        for attempt in range(_ATTEMPTS):
            name = wanted or f"{_VETH}{os.urandom(4).hex()}"
            try:
                host.add_veth(name, bridge.index, call.interface, namespace, mtu=mtu, mac=mac)
                break
            except FileExistsError:
                if host.link(name) is None or attempt == _ATTEMPTS - 1:
                    words = f"container veth name provided ({call.interface}) already exists"
                    raise _failed(config, "add", words) from None
    finally:
        os.close(namespace)
    if config.get("hairpinMode"):
        host.set_hairpin(name)
    port = host.link(name)
    if port is None:
        raise _failed(config, "add", f"{name} vanished")
    return port


def _configure(config: Mapping[str, Any], call: Call, taken: Sequence[Lease]) -> str:
    """Addresses and routes, inside the container's namespace; the interface's MAC address."""
    name = call.interface
    with Netlink() as inside:
        link = inside.link(name)
        if link is None:
            raise _failed(config, "add", f"{name} vanished")
        if any(":" in lease.address for lease in taken):
            _write(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "0", optional=True)
        for lease in taken:
            inside.add_address(link.index, lease.address, lease.prefix)
        inside.set_up(name)
        gateways = _gateways(taken)
        for route in _routes(config, taken):
            add_route(inside, link.index, route, gateways)
    return link.mac


def _announce(
    host: Netlink,
    outside: tuple[Link, Link],
    interface: tuple[str, str],
    taken: Sequence[Lease],
) -> None:
    """Neighbours learn at once that addresses have a new owner; inside the container's namespace.

    Else they send to the MAC address of who had them before, for ten seconds: the host (published
    ports), and other containers. What the kernel tells by itself when an interface goes up does
    not get through: its port of the bridge forwards only a moment later.
    outside: the bridge and the port. interface: name and MAC address.
    """
    (bridge, port), (name, mac) = outside, interface
    for lease in taken:
        host.forget_neighbour(bridge.index, lease.address)
    for _ in range(_LONGEST_WAIT):
        found = host.link(port.name)
        if found is None or found.forwarding:
            break
        sleep(0.001)
    _write(f"/proc/sys/net/ipv4/conf/{name}/arp_notify", "1", optional=True)
    _write(f"/proc/sys/net/ipv6/conf/{name}/ndisc_notify", "1", optional=True)
    with Netlink() as inside:
        inside.set_mac(name, mac)


def _routes(config: Mapping[str, Any], taken: Sequence[Lease]) -> list[Mapping[str, Any]]:
    """All routes of a network, as a result gives them; without "gw": by the subnet's gateway."""
    routes = list(config["ipam"].get("routes") or ())
    if config.get("isDefaultGateway"):
        gateways = _gateways(taken)
        routes += [
            {"dst": "::/0" if ipv6 else "0.0.0.0/0", "gw": gateways[ipv6]}
            for ipv6 in sorted(gateways)
        ]
    return routes


def _gateways(taken: Sequence[Lease]) -> dict[bool, str]:
    """The gateway of each family (whether it is IPv6): of the first subnet that has one."""
    return {":" in lease.gateway: lease.gateway for lease in reversed(taken)}


def _result(
    config: Mapping[str, Any],
    call: Call,
    taken: Sequence[Lease],
    made: tuple[Link, Link, str],
) -> dict[str, Any]:
    bridge, port, mac = made
    old = config["cniVersion"].startswith("0.")  # these say the family with each address
    ips = []
    for lease in taken:
        ip: dict[str, Any] = {"version": "6" if ":" in lease.address else "4"} if old else {}
        ip |= {"interface": 2, "address": f"{lease.address}/{lease.prefix}"}
        ips.append({**ip, "gateway": lease.gateway})
    result = {
        "cniVersion": config["cniVersion"],
        "interfaces": [
            {"name": bridge.name, "mac": bridge.mac},
            {"name": port.name, "mac": port.mac},
            {"name": call.interface, "mac": mac, "sandbox": call.namespace},
        ],
        "ips": ips,
        "dns": config.get("dns") or {},
    }
    routes = _routes(config, taken)
    return {**result, "routes": routes} if routes else result


# --- DEL


def delete(config: Mapping[str, Any], call: Call) -> list[str]:
    """Leave a bridge, and remove it if it was made here and nothing else is in it.

    call.namespace: "" when it is gone, and the interface with it. Gives the addresses that
    were freed. Raises PluginFailed.
    """
    try:
        with Leases(_directory(config)) as leases:
            addresses = leases.of(call.container, call.interface)
            leases.release(addresses, call.container, call.interface)
        _separate(config, call)
        return addresses
    except OSError as error:
        raise _failed(config, "delete", _words(error)) from error
    except NetworkError as error:
        raise _failed(config, "delete", error.message) from error


def _separate(config: Mapping[str, Any], call: Call, port: int | None = None) -> None:
    """Delete the container's port of the bridge, and the bridge with its last; port: 0 for none."""
    with Netlink() as host:
        port = _port(host, config, call) if port is None else port
        unwanted = [port] if port else []
        bridge = host.link(config.get("bridge") or _DEFAULT_BRIDGE)
        if bridge is not None and bridge.alias == _OURS:
            others = [link for link in host.ports(bridge.index) if link.index != port]
            if not others:
                unwanted.append(bridge.index)
        try:
            if unwanted:
                host.delete(*unwanted)
        except OSError as error:
            if error.errno != ENODEV or not port:
                raise
            _separate(config, call, 0)  # the kernel has taken it away with its namespace


def _port(host: Netlink, config: Mapping[str, Any], call: Call) -> int:
    """The index, on the host, of the other end of the container's interface; 0 if it is gone."""
    if call.namespace:
        with Inside(call.namespace), Netlink() as inside:
            link = inside.link(call.interface)
        return link.peer if link is not None else 0
    noted = config.get("prevResult", {}).get("interfaces", ())
    names = [one["name"] for one in noted if not one.get("sandbox")]
    wanted = host_interface(call.arguments)
    ports = [host.link(name) for name in names if name.startswith(_VETH) or name == wanted]
    return next((port.index for port in ports if port is not None), 0)


# --- helpers


def _write(path: str, value: str, *, optional: bool = False) -> None:
    """Set a sysctl that does not have this value. optional: of a kernel without IPv6, say."""
    try:
        with open(path, "r+", encoding="utf-8") as file:
            if file.read().strip() != value:
                file.seek(0)
                file.write(value)
    except FileNotFoundError:
        if not optional:
            raise
