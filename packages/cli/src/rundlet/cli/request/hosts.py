"""Names, addresses and ports of a container, checked: `--add-host`, `--dns`, `--expose`, `--ip`."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument

from .ports import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.contracts.network import NetworkRequest

GATEWAY = "host-gateway"


def added(texts: Sequence[str]) -> tuple[str, ...]:
    """`host[;host...]:ip` each; "host-gateway" is the host's address. Raises InvalidArgument."""
    for text in texts:
        names, colon, address = text.partition(":")
        if not colon or not names or not address:
            raise InvalidArgument(f'bad format for add-host: "{text}"', remedy="Give host:ip.")
        if address != GATEWAY and not is_address(address.strip("[]")):
            raise InvalidArgument(f'invalid IP address in add-host: "{address}"')
    return tuple(texts)


def servers(texts: Sequence[str]) -> tuple[str, ...]:
    """Addresses of name servers, or "none". Raises InvalidArgument."""
    for text in texts:
        if text != "none" and not is_address(text):
            raise InvalidArgument(f"{text} is not an ip address")
    if "none" in texts and len(texts) > 1:
        raise InvalidArgument("none is not allowed to be specified with other DNS ip addresses")
    return tuple(texts)


def exposed(texts: Sequence[str]) -> tuple[str, ...]:
    """`PORT[-PORT][/PROTOCOL]` each. Raises InvalidArgument."""
    for text in texts:
        ports, slash, protocol = text.partition("/")
        ends = [int(end) if end.isdecimal() else 0 for end in ports.split("-")]
        if len(ends) > 2 or not all(0 < end < 65536 for end in ends) or ends[0] > ends[-1]:
            raise InvalidArgument(f"invalid range format for --expose: {text}")
        if slash and protocol.lower() not in ("tcp", "udp", "sctp"):
            raise InvalidArgument(f"invalid protocol for --expose: {text}")
    return tuple(texts)


def checked(wish: NetworkRequest) -> NetworkRequest:
    """The wish, if its addresses are some. Raises InvalidArgument."""
    for ip in wish.ips:
        if not is_address(ip):
            raise InvalidArgument(f'"{ip}" is not an ip address')
    digits = wish.mac.replace("-", ":").split(":") if wish.mac else []
    if wish.mac and (len(digits) != 6 or not all(_is_byte(pair) for pair in digits)):
        raise InvalidArgument(f"address {wish.mac}: invalid MAC address")
    return wish


def _is_byte(pair: str) -> bool:
    return len(pair) == 2 and not pair.strip("0123456789abcdefABCDEF")
