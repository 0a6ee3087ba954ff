"""Definitions of networks: a file each, as podman's netavark backend writes them."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import time

from rundlet.core.contracts.network import Network
from rundlet.core.errors import AlreadyExists, InvalidArgument, NoSuchNetwork, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_POOL = ipaddress.ip_network("10.93.0.0/16")
"""Where subnets of new networks are from, a /24 each."""


class Networks:
    """The definitions in a directory; the default network needs no file."""

    def __init__(self, directory: str, default: str, subnet: str) -> None:
        self._directory = directory
        self._default = default
        self._subnet = subnet

    def get(self, name: str) -> dict[str, Any]:
        """A definition; "" is the default network. Raises NoSuchNetwork."""
        name = name or self._default
        found = self._all().get(name)
        if found is None:
            raise NoSuchNetwork(name)
        return found

    def listed(self) -> Sequence[Network]:
        """All, the default first."""
        found = self._all()
        names = sorted(found, key=lambda name: (name != self._default, name))
        return [_shown(found[name]) for name in names]

    def create(self, network: Network) -> Network:
        """Write a definition. Raises AlreadyExists, InvalidArgument, NotSupported."""
        known = self._all()
        if network.name in known:
            raise AlreadyExists(f"network name {network.name} already used: it exists already")
        if not _NAME.fullmatch(network.name):
            raise InvalidArgument(f"network name {network.name!r} is not valid")
        if network.driver not in ("bridge", "macvlan"):
            raise NotSupported(f"network driver {network.driver}: bridge or macvlan")
        used = [ipaddress.ip_network(s["subnet"]) for d in known.values() for s in d["subnets"]]
        subnets = [_subnet(one, used) for one in network.subnets] or [_free(used)]
        number = next(n for n in range(1, 10000) if not _has(known, f"netavark{n}"))
        interface = network.interface or network.options.get("parent") or f"netavark{number}"
        document = _document(network.replace(interface=interface), subnets)
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        path = f"{self._directory}/{network.name}.json"
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
        os.replace(f"{path}.tmp", path)
        return _shown(document)

    def remove(self, name: str) -> None:
        """Raises NoSuchNetwork, NotSupported."""
        if name == self._default:
            raise NotSupported(f"default network {name} cannot be removed")
        try:
            os.unlink(f"{self._directory}/{self.get(name)['name']}.json")
        except FileNotFoundError:
            raise NoSuchNetwork(name) from None

    def _all(self) -> dict[str, dict[str, Any]]:
        default = Network(self._default, interface="netavark0", created="2023-01-01T00:00:00Z")
        subnets = [_subnet({"subnet": self._subnet}, ())]
        found = {self._default: _document(default, subnets)}
        try:
            names = sorted(os.listdir(self._directory))
        except FileNotFoundError:
            names = []
        for name in names:
            if name.endswith(".json"):
                with open(f"{self._directory}/{name}", encoding="utf-8") as file:
                    document = json.load(file)
                found[document["name"]] = document
        return found


def _document(network: Network, subnets: list[dict[str, Any]]) -> dict[str, Any]:
    default = network.interface == "netavark0"
    return {
        "name": network.name,
        "id": hashlib.sha256(network.name.encode()).hexdigest(),
        "driver": network.driver,
        "network_interface": network.interface,
        "created": network.created or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "subnets": subnets,
        "ipv6_enabled": any(":" in subnet["subnet"] for subnet in subnets),
        "internal": network.internal,
        "dns_enabled": not default and not network.internal,
        "labels": dict(network.labels),
        "options": {key: value for key, value in network.options.items() if key != "parent"},
        "ipam_options": {"driver": "host-local"},
    }


def _shown(document: Mapping[str, Any]) -> Network:
    return Network(
        name=document["name"],
        id=document["id"],
        driver=document["driver"],
        interface=document["network_interface"],
        subnets=tuple(document["subnets"]),
        internal=document["internal"],
        ipv6=document["ipv6_enabled"],
        dns_enabled=document["dns_enabled"],
        created=document["created"],
        labels=document["labels"],
        options=document["options"],
        plugin="netavark",
    )


def _subnet(wish: Mapping[str, str], used: Sequence[Any]) -> dict[str, Any]:
    """A subnet with its gateway. Raises InvalidArgument."""
    try:
        subnet = ipaddress.ip_network(wish["subnet"])
        gateway = ipaddress.ip_address(wish.get("gateway") or subnet[1])
    except (KeyError, ValueError) as error:
        raise InvalidArgument(f"subnet {wish.get('subnet')!r}: {error}") from error
    if gateway not in subnet:
        raise InvalidArgument(f"gateway {gateway} is not in subnet {subnet}")
    for other in used:
        if other.version == subnet.version and other.overlaps(subnet):
            raise InvalidArgument(f"subnet {subnet} is already used: it overlaps {other}")
    return {"subnet": str(subnet), "gateway": str(gateway)}


def _free(used: Sequence[Any]) -> dict[str, Any]:
    for subnet in _POOL.subnets(new_prefix=24):
        if not any(other.version == 4 and other.overlaps(subnet) for other in used):
            return {"subnet": str(subnet), "gateway": str(subnet[1])}
    raise InvalidArgument(f"no free subnet is left in {_POOL}")


def _has(known: Mapping[str, Mapping[str, Any]], interface: str) -> bool:
    return any(one["network_interface"] == interface for one in known.values())
