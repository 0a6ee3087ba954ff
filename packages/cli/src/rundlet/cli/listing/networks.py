"""A network as a document, as the fields of `network ls`, and `--filter` of networks."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument
from rundlet.core.format.go import Map, Struct
from rundlet.core.format.moments import Moment
from rundlet.core.format.times import from_rfc3339

from ..selecting import RUNNING
from .containers import pairs
from .filters import boolean, expression, moment, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from rundlet.core.contracts.network import Network
    from rundlet.core.engine import Engine

_NEVER = "0001-01-01T00:00:00Z"
"""The time of a network that nobody has made (Go's zero time)."""


def document(engine: Engine, network: Network) -> dict[str, Any]:
    """podman network inspect's document."""
    found: dict[str, Any] = {
        "name": network.name,
        "id": network.id,
        "driver": network.driver,
        "network_interface": network.interface,
        "created": network.created or _NEVER,
        "subnets": [_subnet(subnet) for subnet in network.subnets],
        "ipv6_enabled": network.ipv6,
        "internal": network.internal,
        "dns_enabled": network.dns_enabled,
    }
    if network.routes:
        found["routes"] = [_route(route) for route in network.routes]
    if network.dns_servers:
        found["network_dns_servers"] = list(network.dns_servers)
    if network.labels:
        found["labels"] = dict(network.labels)
    if network.options:
        found["options"] = dict(network.options)
    found["ipam_options"] = ipam(network)
    found["containers"] = _containers(engine, network.name)
    return found


def _subnet(subnet: Mapping[str, str]) -> Struct:
    """libnetwork's struct Subnet."""
    ends = {key: subnet[key] for key in ("start_ip", "end_ip") if key in subnet}
    lease = Struct(ends, {"StartIP": ends.get("start_ip", ""), "EndIP": ends.get("end_ip", "")})
    plain = {key: subnet[key] for key in ("subnet", "gateway") if key in subnet}
    return Struct(
        {**plain, "lease_range": lease} if ends else plain,
        {
            "Subnet": subnet["subnet"],
            "Gateway": subnet.get("gateway", ""),
            "LeaseRange": lease if ends else None,
        },
    )


def _route(route: Mapping[str, Any]) -> Struct:
    """libnetwork's struct Route."""
    names = {"Destination": "destination", "Gateway": "gateway", "Metric": "metric",
             "RouteType": "route_type"}  # fmt: skip
    return Struct(route, {name: route.get(key) for name, key in names.items()})


def _containers(engine: Engine, name: str) -> dict[str, Any]:
    """Running containers on the network with their interfaces."""
    from rundlet.core.containers.stored import network_of

    found: dict[str, Any] = {}
    for row in engine.containers.list():
        if row.status not in RUNNING:
            continue
        joined = network_of(engine.containers.get(row.id).network)
        interfaces = joined.result.interfaces if joined and joined.result else ()
        mine = {
            one.interface: {
                "subnets": [
                    {"ipnet": address.address, "gateway": address.gateway}
                    for address in one.addresses
                ],
                "mac_address": one.mac,
            }
            for one in interfaces
            if one.network == name
        }
        if mine:
            found[row.id] = {"name": row.name, "interfaces": mine}
    return found


def view(engine: Engine, network: Network) -> Struct:
    """The document, with the fields that a template of `network inspect` may name."""
    found = document(engine, network)
    return Struct(found, {**fields(network), "Containers": Map(found["containers"])})


def fields(network: Network) -> dict[str, Any]:
    """libnetwork's struct Network."""
    return {
        "ID": network.id,
        "Name": network.name,
        "Driver": network.driver,
        "NetworkInterface": network.interface,
        "Created": Moment(_created(network)),
        "Subnets": [_subnet(subnet) for subnet in network.subnets],
        "IPv6Enabled": network.ipv6,
        "Internal": network.internal,
        "DNSEnabled": network.dns_enabled,
        "Labels": Map(network.labels),
        "Options": Map(network.options),
        "IPAMOptions": Map(ipam(network)),
        "NetworkDNSServers": list(network.dns_servers),
        "Routes": [_route(route) for route in network.routes],
    }


def listed(network: Network, *, whole: bool) -> dict[str, Any]:
    """What a template of `network ls` may name; whole: the id, too."""
    found = fields(network)
    identity = network.id if whole else network.id[:12]
    return {**found, "ID": identity, "Labels": pairs(network.labels)}


def ipam(network: Network) -> dict[str, str]:
    """Who gives addresses out."""
    return {"driver": network.ipam or ("host-local" if network.subnets else "dhcp")}


def chosen(engine: Engine, filters: Iterable[str]) -> Sequence[Network]:
    """The networks that pass: any value of one key (all labels), all keys.

    Raises InvalidArgument.
    """
    left = list(engine.networks.list())
    for key, values in split(filters).items():
        several = all if key.startswith("label") else any
        left = [one for one in left if several(_fits(engine, one, key, value) for value in values)]
    return left


def _fits(engine: Engine, network: Network, key: str, value: str) -> bool:
    if key == "name":
        return expression(value).search(network.name) is not None
    if key == "id":
        return network.id.startswith(value)
    if key == "driver":
        return network.driver == value
    if key in ("label", "label!"):
        label, equals, wanted = value.partition("=")
        has = label in network.labels and (not equals or network.labels[label] == wanted)
        return has == (key == "label")
    if key == "until":
        return _created(network) < moment(value)
    if key == "dangling":
        return (not engine.networks.users(network.name)) == boolean(value)
    raise InvalidArgument(f'invalid filter "{key}"')


def _created(network: Network) -> int:
    """Nanoseconds since the epoch; 0 where the plugin does not say, or nobody can read it."""
    try:
        return from_rfc3339(network.created)
    except ValueError:
        return 0
