"""The default network, where no file defines it: what podman's package would have put there."""

from __future__ import annotations

from .config import NetworkConfig, from_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BRIDGE = "cni-podman0"
SUBNET = "10.88.0.0/16"
VERSION = "0.4.0"
"""Spoken by every release of the plugins that is still around (0.9.1 of Debian 11 on)."""


def document(name: str, subnet: str = SUBNET) -> dict[str, Any]:
    """The conflist: a bridge with NAT, published ports and a hole in the firewall."""
    return {
        "cniVersion": VERSION,
        "name": name,
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "capabilities": {"ips": True, "mac": True},
                "ipam": {
                    "type": "host-local",
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "ranges": [[{"subnet": subnet}]],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
            {"type": "firewall"},
            {"type": "tuning", "capabilities": {"mac": True}},
        ],
    }


def default_network(name: str, subnet: str = SUBNET) -> NetworkConfig:
    """The network of that document."""
    return from_document(document(name, subnet), "the built-in default network").replace(path="")
