"""A network as a document, as the fields of `network ls`, and `--filter` of networks."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument

from .filters import boolean, expression, moment, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from rundlet.core.contracts.network import Network
    from rundlet.core.engine import Engine


def document(engine: Engine, network: Network) -> dict[str, Any]:
    """podman network inspect's document."""
    found: dict[str, Any] = {
        "name": network.name,
        "id": network.id,
        "driver": network.driver,
        "network_interface": network.interface,
        "created": network.created,
        "subnets": [dict(subnet) for subnet in network.subnets],
        "ipv6_enabled": network.ipv6,
        "internal": network.internal,
        "dns_enabled": network.dns_enabled,
    }
    if network.labels:
        found["labels"] = dict(network.labels)
    if network.options:
        found["options"] = dict(network.options)
    found["ipam_options"] = ipam(network)
    found["containers"] = _containers(engine, network.name)
    return found


def _containers(engine: Engine, name: str) -> dict[str, Any]:
    """Running containers on the network with their interfaces."""
    from rundlet.core.containers.stored import network_of

    found: dict[str, Any] = {}
    for row in engine.containers.list():
        if row.status not in ("running", "paused"):
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


def fields(network: Network, *, whole: bool = False) -> dict[str, Any]:
    """What a template of `network ls` may name."""
    return {
        "ID": network.id if whole else network.id[:12],
        "Name": network.name,
        "Driver": network.driver,
        "NetworkInterface": network.interface,
        "Created": network.created,
        "Subnets": [dict(subnet) for subnet in network.subnets],
        "IPv6Enabled": network.ipv6,
        "Internal": network.internal,
        "DNSEnabled": network.dns_enabled,
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(network.labels.items())),
        "Options": dict(network.options),
        "IPAMOptions": ipam(network),
        "NetworkDNSServers": [],
        "Routes": [],
    }


def ipam(network: Network) -> dict[str, str]:
    """Who gives addresses out."""
    return {"driver": "host-local" if network.subnets else "dhcp"}


def chosen(engine: Engine, filters: Iterable[str]) -> Sequence[Network]:
    """The networks that pass: any value of one key, all keys. Raises InvalidArgument."""
    left = list(engine.networks.list())
    for key, values in split(filters).items():
        left = [network for network in left if any(_fits(engine, network, key, v) for v in values)]
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
    return moment(network.created) if network.created else 0
