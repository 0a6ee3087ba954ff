"""Named networks: those of the configuration files, as the engine shows them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from rundlet.core.contracts.network import Network

from .config import Damaged, load_all
from .names import wanted
from .options import unmanaged
from .standard import INTERNAL, TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from .config import NetworkConfig
    from .parts import Parts


def networks(parts: Parts) -> Sequence[Network]:
    """All networks, the default first. Damaged files are left out, with a warning as podman's."""
    configs, wrong = load_all(parts.directories)
    for problem in wrong:
        sys.stderr.write(f"WARN[0000] {problem}\n")
    found = {config.name: config for config in configs}
    default = parts.default
    if default and default not in found:
        with suppress(Damaged):  # it may be the default's
            found[default] = parts.network("")
    names = sorted(found, key=lambda name: name != default)
    return [shown(found[name]) for name in names]


def network_id(name: str) -> str:
    """podman's id of a CNI network: the SHA-256 of its name."""
    from hashlib import sha256

    return sha256(name.encode()).hexdigest()


def shown(config: NetworkConfig) -> Network:
    """A network as the engine shows it: what its first plugin says, and podman's notes."""
    first = config.plugins[0]
    notes = config.document.get("args")
    notes = notes if isinstance(notes, dict) else {}
    labels, options = notes.get("podman_labels"), notes.get("podman_options")
    options = options if isinstance(options, dict) else {}
    subnets = _subnets(first.get("ipam", {}))
    internal = _internal(first, options)
    if internal and not first.get("isGateway"):
        subnets = tuple({k: v for k, v in one.items() if k != "gateway"} for one in subnets)
    return Network(
        name=config.name,
        id=network_id(config.name),
        driver=first["type"],
        interface=str(first.get("bridge") or first.get("master") or ""),
        subnets=subnets,
        internal=internal,
        ipv6=any(":" in subnet["subnet"] for subnet in subnets),
        dns_enabled=wanted(config.document)
        or any(plugin["type"] == "dnsname" for plugin in config.plugins),
        created=_created(config.path),
        labels=labels if isinstance(labels, dict) else {},
        options=options,
        plugin="cni",
        dns_servers=_servers(first.get("dns")),
        routes=tuple(_routes(first.get("ipam", {}))),
        ipam=str(first.get("ipam", {}).get("type") or "none"),
    )


def _servers(dns: object) -> tuple[str, ...]:
    servers = dns.get("nameservers") if isinstance(dns, dict) else ()
    return tuple(str(one) for one in servers) if isinstance(servers, list) else ()


def _routes(ipam: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The routes but those that every network has: to anywhere by the subnet's gateway."""
    routes = ipam.get("routes")
    for one in routes if isinstance(routes, list) else ():
        if not isinstance(one, dict) or set(one) <= {"dst"}:
            continue
        found = {"destination": one.get("dst", ""), "gateway": one.get("gw", "")}
        for key, name in (("priority", "metric"), (TYPE, "route_type")):
            if one.get(key):
                found[name] = one[key]
        yield {name: value for name, value in found.items() if value}


def _internal(first: Mapping[str, Any], options: Mapping[str, str]) -> bool:
    """Whether no gateway leads out; the host is none of a bridge that it does not look after."""
    if unmanaged(options):
        known = _ranges(first.get("ipam", {}))
        return bool(known) and not any("gateway" in one for one in known)
    return first["type"] == "bridge" and bool(first.get(INTERNAL) or not first.get("isGateway"))


def _subnets(ipam: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    return tuple(_subnet(one) for one in _ranges(ipam))


def _ranges(ipam: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The subnets of host-local as they are written: in ranges, or one by itself (an old form)."""
    ranges = ipam.get("ranges")
    sets = [*ranges] if isinstance(ranges, list) else []
    if isinstance(ipam.get("subnet"), str):
        sets.insert(0, [ipam])
    return [
        one
        for several in sets
        if isinstance(several, list)
        for one in several
        if isinstance(one, dict) and isinstance(one.get("subnet"), str)
    ]


def _subnet(one: Mapping[str, Any]) -> Mapping[str, str]:
    from ipaddress import ip_network

    found = {"subnet": one["subnet"]}
    try:
        first = str(next(ip_network(one["subnet"], strict=False).hosts()))
    except (ValueError, StopIteration):
        first = ""
    gateway = one.get("gateway") or first  # host-local takes the first address
    if gateway:
        found["gateway"] = str(gateway)
    for key, name in (("rangeStart", "start_ip"), ("rangeEnd", "end_ip")):
        if one.get(key):
            found[name] = str(one[key])
    return found


def _created(path: str) -> str:
    """When a network was defined (RFC 3339): its file's time of change, "" for the built-in."""
    from datetime import datetime

    try:
        return datetime.fromtimestamp(os.stat(path).st_mtime).astimezone().isoformat()
    except OSError:
        return ""
