"""Names of interfaces: those that may be, and those that containers get by the settings."""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..contracts.network import Network, NetworkRequest

HOST_SIDE = "host_interface_name"
"""Option of `--network NAME:...`: the interface outside the container."""
_ON_PARENT = ("macvlan", "ipvlan")


def check(requests: Sequence[NetworkRequest]) -> None:
    """Raises InvalidArgument for names that no interface can have."""
    for request in requests:
        for name in (request.interface, request.options.get(HOST_SIDE)):
            if name:
                _check(name)


def _check(name: str) -> None:
    """The kernel's rule (dev_valid_name); "lo" is there already."""
    long = len(name.encode()) > 15
    if long or not name.isprintable() or set(name) & set("/: ") or name in (".", "..", "lo"):
        raise InvalidArgument(f'invalid interface name "{name}" (at most 15 bytes, no / or :)')


def after_devices(
    requests: Sequence[NetworkRequest],
    networks: Mapping[str, Network],
    default: str,
    taken: Iterable[str] = (),
) -> tuple[NetworkRequest, ...]:
    """The wishes with interfaces called as their networks' own devices on the host are.

    That is `interface_name = "device"` of containers.conf(5): of macvlan and ipvlan, where no name
    is asked for, and once for each device. networks: by name. default: for an empty name. taken:
    names that are in use.
    """
    taken = {*taken, *(request.interface for request in requests)}
    named = []
    for request in requests:
        network = networks.get(request.network or default)
        device = network.interface if network and network.driver in _ON_PARENT else ""
        if device and not request.interface and device not in taken:
            taken.add(device)
            request = request.replace(interface=device)
        named.append(request)
    return tuple(named)
