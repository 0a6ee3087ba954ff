"""Which of the standard plugins are done in this process (bridge.py, rules.py).

By their configuration: bridge with host-local, and firewall over iptables. One with anything that
is not known here goes to the real plugin, and all of them with `in_process = false` in
[plugins.cni].
"""

from __future__ import annotations

import os

from rundlet.core.networks.interfaces import HOST_SIDE

from .leases import ranges

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_FLAGS = ("isGateway", "isDefaultGateway", "forceAddress", "ipMasq", "hairpinMode")
_OF_NETWORK = {"type", "name", "cniVersion"}
_OF_IPAM = {"type", "ranges", "subnet", "rangeStart", "rangeEnd", "gateway", "routes", "dataDir"}
TYPE = "rundlet.type"
"""Key of a route that leads nowhere: blackhole, unreachable, prohibit. CNI has no such routes."""
INTERNAL = "rundlet.internal"
"""Key of a bridge from which nothing is forwarded. In CNI that is one without a gateway, on which
no server of names can listen."""
STRICT = "rundlet.strict"
"""Key of a bridge from which nothing is forwarded to other containers' bridges: isolate=strict."""
_OF_BRIDGE = {
    "bridge", "mtu", "dns", "ipam", "runtimeConfig", "prevResult", "args", INTERNAL, STRICT,
    *_FLAGS,
}  # fmt: skip
_FIREWALLD = "/run/firewalld.pid"


def handles(config: Mapping[str, Any], arguments: str) -> bool:
    """Whether a plugin's configuration, as it would be sent to it, can be done here.

    arguments: CNI_ARGS, of which IP, GATEWAY and MAC are left to the real plugins.
    """
    if config["type"] == "firewall":
        known = _OF_NETWORK | {"prevResult", "backend", "args"}
        backend = config.get("backend") or ("" if os.path.exists(_FIREWALLD) else "iptables")
        return backend == "iptables" and _only(config, known)
    asked = {pair.partition("=")[0] for pair in arguments.split(";")}
    return (
        config["type"] == "bridge"
        and _only(config, _OF_BRIDGE | _OF_NETWORK)
        and _only(config.get("runtimeConfig", {}), {"ips", "mac", "portMappings", "aliases"})
        and not asked & {"IP", "GATEWAY", "MAC"}
        and not (isinstance(config.get("args"), dict) and config["args"].get("cni"))
        and _handles_ipam(config)
    )


def _handles_ipam(config: Mapping[str, Any]) -> bool:
    ipam = config.get("ipam", {})
    try:
        sets = ranges(ipam)
    except (ValueError, KeyError, TypeError):
        return False  # the real plugin says what is wrong with it
    routes = ipam.get("routes") or []
    return (
        ipam.get("type") == "host-local"
        and _only(ipam, _OF_IPAM)
        and bool(sets)
        and all(
            isinstance(route, dict) and _only(route, {"dst", "gw", "priority", TYPE})
            for route in routes
        )
    )


def _only(found: Mapping[str, Any], known: set[str]) -> bool:
    return all(key in known or value in (None, False, 0, "") for key, value in found.items())


def needs_masquerade(config: Mapping[str, Any]) -> bool:
    """Whether the addresses of this bridge are hidden behind the host's."""
    return config["type"] == "bridge" and bool(config.get("ipMasq"))


def is_internal(config: Mapping[str, Any]) -> bool:
    """Whether nothing is to be forwarded from and to this bridge."""
    return config["type"] == "bridge" and bool(config.get(INTERNAL))


def is_strict(config: Mapping[str, Any]) -> bool:
    """Whether nothing is to be forwarded from this bridge to others of containers."""
    return config["type"] == "bridge" and bool(config.get(STRICT))


def has_rules(config: Mapping[str, Any]) -> bool:
    """Whether a bridge has rules that no plugin makes."""
    return is_internal(config) or is_strict(config)


def host_interface(arguments: str) -> str:
    """The name on the host that CNI_ARGS ask for; "" for any. Plugins know nothing of it."""
    pairs = (pair.partition("=") for pair in arguments.split(";"))
    return next((value for key, _, value in pairs if key == HOST_SIDE), "")
