"""New networks: a conflist in the first config directory, as podman's CNI backend writes it."""

from __future__ import annotations

import os
from ipaddress import ip_address
from json import dumps

from rundlet.core.errors import AlreadyExists, InvalidArgument, NetworkError, NotSupported
from rundlet.core.linux.processes import partial_name

from . import names, subnets
from .config import files, load_all, valid_name
from .default import VERSION
from .define import networks, shown
from .netlink import DEAD_ENDS
from .options import FIELDS, settled, unmanaged
from .standard import INTERNAL, STRICT, TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.core.contracts.network import Network

    from .parts import Parts
    from .subnets import IPNetwork


def create(parts: Parts, network: Network) -> Network:
    """Define a network. Raises AlreadyExists, InvalidArgument, NotSupported."""
    if not parts.directories:
        raise NotSupported("no CNI config directory is configured: networks cannot be created")
    _check_name(network)
    network = settled(network)
    with parts.host.definitions():
        known = networks(parts)
        if any(one.name == network.name for one in known):
            raise AlreadyExists(f"network name {network.name} already used: network already exists")
        network = _completed(network, known, parts.pools)
        document = conflist(network, dns=bool(names.program()))
        path = os.path.join(parts.directories[0], f"{network.name}.conflist")
        if path in files(parts.directories[:1]):
            raise AlreadyExists(f"{path} exists already (and defines another network)")
        write(path, document)
    made = next(c for c in load_all(parts.directories)[0] if c.name == network.name)
    return shown(made)


def _check_name(network: Network) -> None:
    if not valid_name(network.name):
        raise InvalidArgument(
            f"network name {network.name} invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*:"
            " invalid argument"
        )


# --- what is not given


def _completed(network: Network, known: Sequence[Network], pools: Sequence[str]) -> Network:
    """Subnets, gateways and the interface, where they are left to us."""
    if network.options.get("ipam", "host-local") != "host-local":
        return _with_interface(network, known)
    used = [*subnets.of_host(), *_subnets(known)]
    wished = [subnets.completed(one) for one in network.subnets]
    if network.driver == "bridge" and not unmanaged(network.options):
        subnets.refuse_overlap(wished, used)
    if not wished and network.driver == "bridge":
        wished.append(subnets.completed({"subnet": subnets.free_ipv4(pools, used)}))
    if network.ipv6 and not any(":" in one["subnet"] for one in wished):
        wished.append(subnets.completed({"subnet": subnets.free_ipv6(used)}))
    if not wished:  # macvlan and ipvlan share the segment of their parent: its DHCP serves
        network = network.replace(options={**network.options, "ipam": "dhcp"})
    return _with_interface(network.replace(subnets=tuple(wished)), known)


def _subnets(known: Sequence[Network]) -> list[IPNetwork]:
    found = []
    for network in known:
        for subnet in network.subnets:
            try:
                found.append(subnets.parse(subnet["subnet"]))
            except InvalidArgument:  # of a file that somebody else wrote: it blocks nothing
                continue
    return found


def _with_interface(network: Network, known: Sequence[Network]) -> Network:
    if network.driver != "bridge":
        parent = network.options.get("parent") or network.interface
        if parent and parent not in subnets.interfaces():
            raise InvalidArgument(f"parent interface {parent} does not exist")
        return network.replace(interface=parent)
    taken = {one.interface for one in known if one.driver == "bridge"}
    if network.interface:
        if len(network.interface.encode()) > 15 or not valid_name(network.interface):
            raise InvalidArgument(f'invalid bridge name "{network.interface}"')
        shared = "vlan" in network.options or unmanaged(network.options)
        if network.interface in taken and not shared:
            raise InvalidArgument(f"bridge name {network.interface} already in use")
        return network
    taken |= subnets.interfaces()
    number = 1
    while f"cni-podman{number}" in taken:
        number += 1
    return network.replace(interface=f"cni-podman{number}")


# --- the document


def conflist(network: Network, *, dns: bool) -> dict[str, Any]:
    """The configuration of a complete network. dns: whether there is a server for names."""
    named = dns and _is_named(network)
    plugins = _bridge(network, named) if network.driver == "bridge" else _on_parent(network)
    document: dict[str, Any] = {"cniVersion": VERSION, "name": network.name, "plugins": plugins}
    notes = {
        "podman_labels": dict(network.labels),
        "podman_options": {k: v for k, v in network.options.items() if k not in FIELDS},
    }
    notes = {key: value for key, value in notes.items() if value}
    document = {**document, "args": notes} if notes else document
    return names.note(document) if named else document


def _is_named(network: Network) -> bool:
    """Whether containers find each other by name: the host needs an address to listen on."""
    vlan = network.internal and "vlan" in network.options  # whose interface the plugin makes
    managed = network.driver == "bridge" and not unmanaged(network.options)
    return network.dns_enabled and managed and not vlan


def _bridge(network: Network, named: bool) -> list[dict[str, Any]]:
    options = network.options
    outward = not network.internal and not unmanaged(options)
    first: dict[str, Any] = {
        "type": "bridge",
        "bridge": network.interface,
        "isGateway": outward or named,
        "ipMasq": outward,
        "hairpinMode": True,
        "capabilities": {"ips": True, "mac": True},
        "ipam": _ipam(network),
    }
    for key in ("mtu", "vlan"):
        if options.get(key):
            first[key] = int(options[key])
    if options.get("dns"):
        first["dns"] = {"nameservers": options["dns"].split(",")}
    tuning = {"type": "tuning", "capabilities": {"mac": True}}
    if unmanaged(options):
        return [first, tuning]
    if network.internal:
        return [{**first, INTERNAL: True}, tuning]
    if options.get("isolate") == "strict":
        first[STRICT] = True
    firewall: dict[str, Any] = {"type": "firewall"}
    if "isolate" in options:
        firewall["ingressPolicy"] = "same-bridge"
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return [first, ports, firewall, tuning]


def _on_parent(network: Network) -> list[dict[str, Any]]:
    """macvlan, ipvlan: interfaces beside the host's own, on the same segment."""
    options = network.options
    first: dict[str, Any] = {"type": network.driver, "ipam": _ipam(network)}
    first["capabilities"] = {"ips": True}
    if network.driver == "macvlan":
        first["capabilities"]["mac"] = True
    if network.interface:
        first["master"] = network.interface
    if options.get("mode"):
        first["mode"] = options["mode"]
    if options.get("mtu"):
        first["mtu"] = int(options["mtu"])
    if options.get("dns"):
        first["dns"] = {"nameservers": options["dns"].split(",")}
    return [first]


def _ipam(network: Network) -> dict[str, Any]:
    kind = network.options.get("ipam", "host-local")
    if kind == "none":
        return {}
    if kind == "dhcp":
        return {"type": "dhcp"}
    ranges = []
    for subnet in network.subnets:
        one = {"subnet": subnet["subnet"]}
        if not network.internal:
            one["gateway"] = subnet["gateway"]
        for key, name in (("start_ip", "rangeStart"), ("end_ip", "rangeEnd")):
            if subnet.get(key):
                one[name] = subnet[key]
        ranges.append([one])
    return {"type": "host-local", "routes": _routes(network), "ranges": ranges}


def _routes(network: Network) -> list[dict[str, Any]]:
    """The default routes of a network that leads out, and those that were given."""
    found: list[dict[str, Any]] = []
    if not network.internal and "no_default_route" not in network.options:
        families = sorted({":" in subnet["subnet"] for subnet in network.subnets})
        metric = int(network.options.get("metric", 0))
        more = {"priority": metric} if metric else {}  # as CNI 1.1.0 calls it
        found += [{"dst": "::/0" if ipv6 else "0.0.0.0/0", **more} for ipv6 in families]
    for text in filter(None, network.options.get("routes", "").split(";")):
        found.append(_route(text))
    return found


def _route(text: str) -> dict[str, Any]:
    """Of DESTINATION,GATEWAY|TYPE[,METRIC]. Raises InvalidArgument.

    A metric is "priority", as in CNI 1.1.0; a type has no word in CNI.
    """
    words = text.split(",")
    if len(words) not in (2, 3):
        raise InvalidArgument(f"route {text}: not DESTINATION,GATEWAY|TYPE[,METRIC]")
    route: dict[str, Any] = {"dst": str(subnets.parse(words[0]))}
    if words[1].lower() in DEAD_ENDS:
        route[TYPE] = words[1].lower()
    else:
        route["gw"] = _gateway(text, words[1], ":" in route["dst"])
    if words[2:]:
        if not words[2].isdecimal() or not 0 < int(words[2]) < 2**32:
            raise InvalidArgument(f"route {text}: invalid metric {words[2]}")
        route["priority"] = int(words[2])
    return route


def _gateway(text: str, word: str, ipv6: bool) -> str:
    try:
        gateway = ip_address(word)
    except ValueError:
        raise InvalidArgument(
            f"route {text}: invalid gateway {word}",
            remedy=f"Give an address, or {', '.join(DEAD_ENDS)}.",
        ) from None
    if (gateway.version == 6) != ipv6:
        raise InvalidArgument(f"route {text}: the gateway is of the other family")
    return str(gateway)


def write(path: str, document: Mapping[str, Any]) -> None:
    """A configuration file, whole or not at all, and on the disk. Raises NetworkError."""
    temporary = partial_name(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(dumps(document, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        try:
            os.unlink(temporary)
        except OSError:  # it was not made, and may not be where the file system is read-only
            pass
        raise NetworkError(f"cannot write {path}: {error.strerror}") from error
