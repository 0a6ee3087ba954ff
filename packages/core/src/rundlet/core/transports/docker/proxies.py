"""Which proxy an address is reached by: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

As Go's programs read them (golang.org/x/net/http/httpproxy): capitals first, then small
letters; never for this machine itself. NO_PROXY has host names, which are for their
subdomains too, ".domain" for subdomains only, addresses, networks ("10.0.0.0/8"), each with a
port if wanted, and "*" for everything.
"""

from __future__ import annotations

import os

from .endpoint import is_loopback, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def proxy(address: str, scheme: str) -> str:
    """The URL of the proxy for "host[:port]", or ""."""
    found = _variable(f"{scheme}_proxy")
    if not found or is_loopback(address) or _excepted(address.lower(), scheme):
        return ""
    return found if "://" in found else f"http://{found}"


def _variable(name: str) -> str:
    # A CGI program has its client's `Proxy:` header in HTTP_PROXY.
    upper = "" if name == "http_proxy" and "REQUEST_METHOD" in os.environ else name.upper()
    return (upper and os.environ.get(upper)) or os.environ.get(name, "")


def _excepted(address: str, scheme: str) -> bool:
    host, port = split(address, scheme)
    return any(_meant(item, host, str(port)) for item in _exceptions())


def _exceptions() -> Iterator[str]:
    for item in _variable("no_proxy").split(","):
        if item.strip():
            yield item.strip().lower()


def _meant(item: str, host: str, port: str) -> bool:
    if item == "*":
        return True
    if "/" in item:
        return _within(item, host)
    if not item.endswith("]") and (item.count(":") == 1 or item.startswith("[")):
        item, _, wanted = item.rpartition(":")
        if wanted != port:
            return False
    item = item.strip("[]").removeprefix("*")
    if item.startswith("."):
        return host.endswith(item)
    return host == item or (host.endswith(f".{item}") and not _is_number(host))


def _within(network: str, host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _is_number(host: str) -> bool:
    return host.replace(".", "").isdecimal()
