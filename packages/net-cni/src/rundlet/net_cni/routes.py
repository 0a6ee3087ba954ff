"""Default routes where a container is on several networks: each gives its own, with a metric.

The kernel takes the one with the least metric: that of the first network, and the next one when
the container leaves it. netavark gives all of them 100, which leaves to chance who wins; here
they count up from there, or from what the network says (`network create --opt metric`).

The plugins know no metrics, and no routes that lead nowhere: they are called without these, which
are added here. Plugins of other types than podman's drivers keep theirs, but for networks that are
not the first.
"""

from __future__ import annotations

from rundlet.core.errors import NetworkError

from .leases import network_of, text
from .standard import TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any

    from .cache import Record
    from .netlink import Netlink

_ALL = {False: "0.0.0.0/0", True: "::/0"}  # by whether it is IPv6
_DRIVERS = ("bridge", "macvlan", "ipvlan")
_METRIC = "priority"  # as CNI 1.1.0 calls it
_USUAL = range(100, 200)  # netavark's is 100


def ranked(document: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A network (conflist) whose default routes come after those of other networks.

    others: the networks that the container has joined before, as they came out of this.
    """
    first, *rest = document["plugins"]
    if first["type"] not in _DRIVERS:
        given = {route["dst"] for other in others for route in _defaults(other["plugins"][0])}
        return {**document, "plugins": [_without(first, given), *rest]} if given else document
    defaults = _defaults(first)
    if not defaults:
        return document
    taken = {_metric(route) for other in others for route in _defaults(other["plugins"][0])}
    after = max((metric + 1 for metric in taken if metric in _USUAL), default=_USUAL[0])
    metric = next(filter(None, map(_metric, defaults)), after)
    while metric in taken:
        metric += 1
    plain = _without(first, _ALL.values())
    routes = [*({**route, _METRIC: metric} for route in defaults), *_routes(plain)]
    first = {**plain, "ipam": {**plain["ipam"], "routes": routes}}
    return {**document, "plugins": [first, *rest]}


def split(
    config: dict[str, Any],
) -> tuple[dict[str, Any], Sequence[Mapping[str, Any]]]:
    """A plugin's configuration without the routes that plugins do not know, and these."""
    routes = _routes(config)
    unknown = [route for route in routes if _metric(route) or TYPE in route]
    if config["type"] not in _DRIVERS or not unknown:
        return config, ()
    known = [route for route in routes if route not in unknown]
    return {**config, "ipam": {**config["ipam"], "routes": known}}, unknown


def add(
    record: Record, result: dict[str, Any], routes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Add routes to what a plugin has made; its result with them. Raises NetworkError."""
    if not routes:
        return result
    from rundlet.core.networks.namespace import Inside

    from .netlink import Netlink

    gateways = {":" in ip["address"]: ip.get("gateway") for ip in reversed(result.get("ips", ()))}
    try:
        with Inside(record.namespace), Netlink() as inside:
            link = inside.link(record.interface)
            if link is not None:
                for route in routes:
                    add_route(inside, link.index, route, gateways)
    except OSError as error:
        raise NetworkError(
            f'network "{record.network}": cannot add a route: {error.strerror}'
        ) from error
    return {**result, "routes": [*(result.get("routes") or ()), *routes]}


def add_route(
    inside: Netlink, index: int, route: Mapping[str, Any], gateways: Mapping[bool, str]
) -> None:
    """Add a route of a configuration by an interface; where there is one already, that stays.

    gateways: of the network, by whether it is IPv6, for routes that name none.
    """
    number, prefix, bits = network_of(route["dst"])
    kind = route.get(TYPE, "")
    gateway = "" if kind else route.get("gw") or gateways.get(bits == 128) or ""
    try:
        inside.add_route(index, text(number, bits), prefix, gateway, _metric(route), kind)
    except FileExistsError:
        return


def _defaults(plugin: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The default routes of a plugin, also those that it would have for being the gateway."""
    found = [route for route in _routes(plugin) if route.get("dst") in _ALL.values()]
    if plugin.get("isDefaultGateway"):
        given = {route["dst"] for route in found}
        found += [{"dst": dst} for dst in _of_subnets(plugin.get("ipam", {})) if dst not in given]
    return found


def _metric(route: Mapping[str, Any]) -> int:
    found = route.get(_METRIC)
    return found if isinstance(found, int) else 0


def _of_subnets(ipam: Mapping[str, Any]) -> Iterable[str]:
    """The default routes of the families that a network has."""
    try:
        families = {":" in str(one[0]["subnet"]) for one in ipam.get("ranges") or ()}
        families |= {":" in ipam["subnet"]} if ipam.get("subnet") else set()
    except (LookupError, TypeError):  # the plugin says what is wrong with it
        return ()
    return [_ALL[ipv6] for ipv6 in sorted(families)]


def _without(plugin: Mapping[str, Any], unwanted: Collection[str]) -> Mapping[str, Any]:
    changed = dict(plugin)
    if changed.pop("isDefaultGateway", False):
        changed["isGateway"] = True
    kept = [route for route in _routes(plugin) if str(route.get("dst")) not in unwanted]
    if kept != _routes(plugin):
        changed["ipam"] = {**plugin["ipam"], "routes": kept}
    return changed


def _routes(plugin: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The routes of a plugin's IPAM; [] where there is no proper list."""
    routes = plugin.get("ipam", {}).get("routes")
    return [one for one in routes if isinstance(one, dict)] if isinstance(routes, list) else []
