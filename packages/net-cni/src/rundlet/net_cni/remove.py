"""Removal of networks: the file, the bridge, and what host-local remembers."""

from __future__ import annotations

import os
from _socket import AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, socket

from rundlet.core.errors import InUse, NetworkError, NoSuchNetwork, NotSupported

from .config import find, load_all
from .standard import has_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .config import NetworkConfig
    from .parts import Parts

LEASES = "/var/lib/cni/networks"
"""Where host-local keeps leases unless told otherwise."""

_IFF_UP = 0x1
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCBRDELBR = 0x89A1
_NOTHING_LEASED = {"lock", "last_reserved_ip.0", "last_reserved_ip.1"}


def remove(parts: Parts, name: str) -> None:
    """Remove a network. Raises NoSuchNetwork, InUse, NotSupported, NetworkError."""
    with parts.host.definitions():
        config = find(parts.directories, name) if name else None
        if config is None:
            if name and name == parts.default:
                raise NotSupported(f"network {name} is built in and cannot be removed")
            raise NoSuchNetwork(name)
        users = {
            record.container[:12]
            for record in parts.cache.all()
            if record.network == name and record.attached_to()
        }
        if users:
            raise InUse(f'network "{name}" is used by containers {", ".join(sorted(users))}')
        try:
            os.unlink(config.path)
        except OSError as error:
            raise NetworkError(f"cannot remove {config.path}: {error.strerror}") from error
    _remove_bridge(parts, config)
    if has_rules(config.plugins[0]):
        from .rules import sweep

        with parts.host.rules(alone=True):
            sweep()
    _forget_leases(parts, config)
    parts.host.forget_network(name)


def _remove_bridge(parts: Parts, config: NetworkConfig) -> None:
    """Remove the bridge of a network, unless another one has it too. Gone already is right."""
    bridge = config.plugins[0].get("bridge")
    if config.plugins[0]["type"] != "bridge" or not isinstance(bridge, str):
        return
    others = load_all(parts.directories)[0]
    if any(plugin.get("bridge") == bridge for other in others for plugin in other.plugins):
        return
    from fcntl import ioctl

    name = bridge.encode()[:15].ljust(16, b"\0")
    query = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC)
    try:  # netdevice(7): struct ifreq is 16 bytes of name, then flags; a bridge must be down
        request = bytearray(name + bytes(24))
        ioctl(query.fileno(), _SIOCGIFFLAGS, request)
        request[16] &= ~_IFF_UP
        ioctl(query.fileno(), _SIOCSIFFLAGS, request)
        ioctl(query.fileno(), _SIOCBRDELBR, name)
    except OSError:
        return
    finally:
        query.close()


def _forget_leases(parts: Parts, config: NetworkConfig) -> None:
    """Remove host-local's directory where nothing is leased any more."""
    ipam = config.plugins[0].get("ipam") or {}
    directory = os.path.join(ipam.get("dataDir") or parts.data_dir or LEASES, config.name)
    try:
        names = os.listdir(directory)
        if ipam.get("type") == "host-local" and set(names) <= _NOTHING_LEASED:
            for name in names:
                os.unlink(os.path.join(directory, name))
            os.rmdir(directory)
    except OSError:  # gone, or in use again: nothing is lost either way
        return
