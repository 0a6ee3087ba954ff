"""What `--opt` of a new network may be, by its driver (podman-network-create(1))."""

from __future__ import annotations

from ipaddress import ip_address

from rundlet.core.errors import InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.core.contracts.network import Network

FIELDS = ("ipam", "routes", "dns")
"""Fields of podman's network, which come as options."""

_COMMON = ("mtu", "metric", "no_default_route", *FIELDS)
DRIVERS = {
    "bridge": ("vlan", "isolate", "mode", "vrf", *_COMMON),
    "macvlan": ("parent", "mode", "bclim", *_COMMON),
    "ipvlan": ("parent", "mode", *_COMMON),
}
"""The options of each driver."""

_MODES = {
    "bridge": ("managed", "unmanaged"),
    "macvlan": ("bridge", "private", "vepa", "passthru"),
    "ipvlan": ("l2", "l3", "l3s"),
}
_DOCKER = {"com.docker.network.driver.mtu": "mtu"}
_DOCKER_NAME = "com.docker.network.bridge.name"
_NUMBERS = (("mtu", 68, 65535), ("vlan", 1, 4094), ("metric", 1, 2**32 - 1))  # 0: as without it
_FLAGS = ("isolate", "no_default_route")
_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


def settled(network: Network) -> Network:
    """The network with its options as they are kept: Docker's names are podman's then.

    Raises InvalidArgument for what is none, NotSupported for what no CNI plugin can.
    """
    if network.driver not in DRIVERS:
        raise InvalidArgument(
            f"unsupported driver {network.driver}", remedy=f"Known: {', '.join(DRIVERS)}."
        )
    network = _translated(network)
    options = dict(network.options)
    for key in options:
        if key not in DRIVERS[network.driver]:
            raise InvalidArgument(f"unsupported {network.driver} network option {key}")
    for key, low, high in _NUMBERS:
        if key in options:
            options[key] = _number(key, options[key], low, high)
    for key in _FLAGS:
        if key in options:
            options[key] = _flag(key, options[key])
    mode = options.get("mode")
    if mode is not None and mode not in _MODES[network.driver]:
        raise InvalidArgument(
            f"unknown {network.driver} mode {mode!r}",
            remedy=f"Known: {', '.join(_MODES[network.driver])}.",
        )
    network = network.replace(options={key: value for key, value in options.items() if value})
    _refuse(network)
    return network


def unmanaged(options: Mapping[str, str]) -> bool:
    """Whether these are of a bridge that somebody else makes and looks after."""
    return options.get("mode") == "unmanaged"


def nameserver(text: str) -> str:
    """The address of a nameserver as it was given. Raises InvalidArgument."""
    try:
        ip_address(text)
    except ValueError:
        raise InvalidArgument(f"{text!r} is no IP address of a nameserver") from None
    return text


def _translated(network: Network) -> Network:
    """Without Docker's names of options."""
    if network.driver != "bridge":
        return network
    options = {_DOCKER.get(key, key): value for key, value in network.options.items()}
    name = options.pop(_DOCKER_NAME, "")
    return network.replace(interface=network.interface or name, options=options)


def _number(key: str, text: str, low: int, high: int) -> str:
    if not text.isdecimal() or not (int(text) == 0 or low <= int(text) <= high):
        raise InvalidArgument(f"{key}={text}: from {low} to {high}")
    return text if int(text) else ""


def _flag(key: str, text: str) -> str:
    if text == "strict" and key == "isolate":
        return text
    if text.lower() not in _TRUE + _FALSE:
        raise InvalidArgument(f"{key}={text}: true or false")
    return "true" if text.lower() in _TRUE else ""


def _refuse(network: Network) -> None:
    """What plugins cannot do, and what contradicts itself."""
    options = network.options
    for key in ("bclim", "vrf"):
        if key in options:
            raise NotSupported(f"{network.driver} network option {key}: no CNI plugin has it")
    for server in filter(None, options.get("dns", "").split(",")):
        nameserver(server)
    ipam = options.get("ipam", "host-local")
    if ipam not in ("host-local", "dhcp", "none"):
        raise InvalidArgument(f"unsupported ipam driver {ipam!r}")
    if ipam != "host-local" and network.subnets:
        raise InvalidArgument(f"ipam driver {ipam} is set: subnets cannot be")
    unknown = not network.subnets and network.driver != "bridge"  # the parent's, that is
    if unknown and options.get("ipam") == "host-local":
        raise InvalidArgument(f"{network.driver} with ipam driver host-local needs a --subnet")
    if ipam == "dhcp" and network.driver == "bridge" and not unmanaged(options):
        raise InvalidArgument("ipam driver dhcp is only supported with bridges of mode=unmanaged")
