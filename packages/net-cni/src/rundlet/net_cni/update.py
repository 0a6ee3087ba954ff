"""Changes of networks that are defined (podman-network-update(1)): their nameservers."""

from __future__ import annotations

import os

from rundlet.core.errors import InvalidArgument, NoSuchNetwork, NotSupported

from .config import find
from .create import write
from .define import shown
from .names import nameservers
from .options import nameserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.contracts.network import Network

    from .parts import Parts


def update(parts: Parts, name: str, add: Sequence[str], drop: Sequence[str]) -> Network:
    """Add and drop nameservers. Raises NoSuchNetwork, InvalidArgument, NotSupported."""
    for address in (*add, *drop):
        nameserver(address)
    with parts.host.definitions():
        config = find(parts.directories, name)
        if config is None:
            if name == parts.default:
                raise NotSupported(f"network {name} is built in and cannot be changed")
            raise NoSuchNetwork(name)
        before = nameservers(config)
        unknown = [address for address in drop if address not in before]
        if unknown:
            raise InvalidArgument(f"network {name} has no nameserver {', '.join(unknown)}")
        kept = [address for address in before if address not in drop]
        servers = list(dict.fromkeys((*kept, *add)))
        first, *rest = config.document["plugins"]
        dns = {**(first.get("dns") or {}), "nameservers": servers}
        first = {**first, "dns": dns}
        made = os.stat(config.path).st_mtime_ns
        write(config.path, {**config.document, "plugins": [first, *rest]})
        os.utime(config.path, ns=(made, made))  # it is what `created` tells
        changed = find(parts.directories, name)
    assert changed is not None
    return shown(changed)
