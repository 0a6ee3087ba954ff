"""A CNI result (specification, section 5) as the engine knows it.

0.3.0 to 0.4.0 say `version` with each address, 1.0.0 does not; the rest is the same.
"""

from __future__ import annotations

from rundlet.core.contracts.network import Address, InterfaceResult
from rundlet.core.errors import NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def interface_of(
    result: Mapping[str, Any],
    network: str,
    interface: str,
    *,
    namespace: str = "",
    aliases: tuple[str, ...] = (),
) -> InterfaceResult:
    """The interface that a network made in the container. Raises NetworkError for nonsense."""
    where = f'network "{network}": result'
    interfaces = _dicts(result, "interfaces", where)
    place = _place(interfaces, interface, namespace)
    addresses = tuple(
        Address(_word(ip, "address", where), str(ip.get("gateway") or ""))
        for ip in _dicts(result, "ips", where)
        # No index: of the only interface there is (results before 0.3.0 had none).
        if ip.get("interface") is None or ip.get("interface") == place
    )
    mac = str(interfaces[place].get("mac") or "") if place >= 0 else ""
    routes = tuple(dict(route) for route in _dicts(result, "routes", where))
    return InterfaceResult(network, interface, mac, addresses, routes, aliases)


def _place(interfaces: Sequence[Mapping[str, Any]], name: str, namespace: str) -> int:
    """The index of the container's interface: of its name and with a sandbox; -1 for none."""
    for number, one in enumerate(interfaces):
        sandbox = one.get("sandbox")
        if one.get("name") == name and sandbox and (not namespace or sandbox == namespace):
            return number
    return -1


def dns_of(result: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Nameservers, search domains and options that a network brings."""
    dns = result.get("dns")
    if not isinstance(dns, dict):
        return [], [], []
    search = _words(dns.get("search"))
    domain = dns.get("domain")
    if isinstance(domain, str) and domain and domain not in search:
        search.insert(0, domain)
    return _words(dns.get("nameservers")), search, _words(dns.get("options"))


def _words(found: object) -> list[str]:
    return [str(word) for word in found] if isinstance(found, list) else []


def _dicts(result: Mapping[str, Any], key: str, where: str) -> Sequence[Mapping[str, Any]]:
    found = result.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NetworkError(f"{where}: {key} is no list of objects")
    return found


def _word(found: Mapping[str, Any], key: str, where: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise NetworkError(f"{where}: {key} is missing in {dict(found)}")
    return value
