"""`--network` with its options, `--ip`, `--mac-address`, `--network-alias` (podman-run(1))."""

from __future__ import annotations

from rundlet.core.contracts.network import NetworkRequest
from rundlet.core.errors import InvalidArgument, NotSupported, UsageError

from . import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rundlet.core.commands.context import Parsed

_ALONE = ("none", "host", "private")
_ROOTLESS = ("pasta", "slirp4netns")


def networks_of(arguments: Parsed) -> tuple[str, tuple[NetworkRequest, ...]]:
    """The mode, or the networks with their options: `--network name:ip=..,mac=..`."""
    static = {
        "ips": tuple(a for a in (arguments.text("ip"), arguments.text("ip6")) if a),
        "mac": arguments.text("mac-address"),
        "aliases": arguments.texts("network-alias"),
    }
    texts = arguments.texts("network")
    if texts and ":" not in texts[0]:  # several in one, as before these had options
        texts = (*texts[0].split(","), *texts[1:])
    if len(texts) == 1 and _is_mode(texts[0]):
        if any(static.values()):
            raise InvalidArgument(
                "networks and static ip/mac address can only be used with Bridge mode networking"
            )
        return texts[0], ()
    if not texts and not any(static.values()):
        return "", ()
    _refuse_modes(texts)
    names = [_network(text, static) for text in texts or ("bridge",)]
    if len(names) > 1 and any(static[key] for key in ("ips", "mac")):
        raise InvalidArgument("--ip and --mac-address can only be set for a single network")
    return "", tuple(names)


def _is_mode(text: str) -> bool:
    """Whether it is a mode, not a network. Raises InvalidArgument for one with options."""
    mode, colon, _ = text.partition(":")
    if mode in _ALONE and colon:
        raise InvalidArgument(f"invalid option for network {mode}: it takes none")
    return mode in _ALONE or bool(colon and mode in ("container", "ns"))


def _refuse_modes(texts: Sequence[str]) -> None:
    """Raise InvalidArgument, NotSupported for what is no network that others may stand beside."""
    for text in texts:
        mode, colon, _ = text.partition(":")
        if mode in _ALONE or (colon and mode in ("container", "ns")):
            raise InvalidArgument(
                f"cannot set multiple networks without bridge network mode, selected mode {mode}"
            )
        if mode in _ROOTLESS:
            raise NotSupported(
                f"network mode {mode} is of rootless containers", remedy="use a bridge network"
            )


def _network(text: str, static: dict[str, Any]) -> NetworkRequest:
    name, _, options = text.partition(":")
    ips, mac, aliases, interface = list(static["ips"]), static["mac"], list(static["aliases"]), ""
    more: dict[str, str] = {}
    for word in options.split(",") if options else ():
        key, _, value = word.partition("=")
        if key in ("ip", "ip6"):
            ips.append(value)
        elif key == "mac":
            mac = value
        elif key == "alias":
            aliases.append(value)
        elif key == "interface_name":
            interface = value
        else:
            more[key] = value
    wish = NetworkRequest(
        "" if name in ("bridge", "default") else name,
        interface,
        tuple(ips),
        mac,
        tuple(aliases),
        more,
    )
    return hosts.checked(wish)


def refuse_dns(arguments: Parsed) -> None:
    """Without a network of its own a container has no resolv.conf of its own either."""
    mode = (arguments.texts("network") or ("",))[0]
    if mode != "none" and not mode.startswith("container:"):
        return
    for name in ("dns", "dns-option", "dns-opt", "dns-search"):
        if name in arguments.given and arguments.texts(name) != ("none",):
            raise UsageError(f"conflicting options: dns and the network mode: {mode}")
