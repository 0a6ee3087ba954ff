"""Default routes where a container is on several networks: the first network that has one wins.

The plugins would each put theirs in front of the others', so that the last network won, and
with it what the container's own address in the internet is.

Routes with a metric (`network create --opt metric`) stay: the kernel takes the least of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set
    from typing import Any

_ALL = ("0.0.0.0/0", "::/0")
_METRIC = "priority"  # as CNI 1.1.0 calls it
_USUAL = 100  # of netavark's default routes


def default_routes(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """Which of "0.0.0.0/0" and "::/0" networks (conflists) give, without a metric."""
    found: set[str] = set()
    for document in documents:
        for plugin in document.get("plugins", ()):
            if plugin.get("isDefaultGateway"):
                found.update(_ALL)
            found.update(str(route["dst"]) for route in _routes(plugin) if _is_default(route))
    return found


def without_default_routes(document: Mapping[str, Any], unwanted: Set[str]) -> Mapping[str, Any]:
    """A network (conflist) that leaves these default routes to others."""
    if not unwanted:
        return document
    plugins = [_without(plugin, unwanted) for plugin in document.get("plugins", ())]
    return {**document, "plugins": plugins}


def _without(plugin: Mapping[str, Any], unwanted: Set[str]) -> Mapping[str, Any]:
    changed = dict(plugin)
    if changed.pop("isDefaultGateway", False):
        changed["isGateway"] = True
    kept = [r for r in _routes(plugin) if not (_is_default(r) and r["dst"] in unwanted)]
    if kept != _routes(plugin):
        changed["ipam"] = {**plugin["ipam"], "routes": kept}
    return changed


def has_metric(document: Mapping[str, Any]) -> bool:
    """Whether a default route of a network (conflist) has a metric."""
    routes = [route for plugin in document.get("plugins", ()) for route in _routes(plugin)]
    return any(route.get("dst") in _ALL and route.get(_METRIC) for route in routes)


def with_metric(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A network whose default routes all have a metric, so that those of others may be before."""
    plugins = [_ranked(plugin) for plugin in document.get("plugins", ())]
    return {**document, "plugins": plugins}


def _ranked(plugin: Mapping[str, Any]) -> Mapping[str, Any]:
    if plugin.get("type") != "bridge" or not any(map(_is_default, _routes(plugin))):
        return plugin  # others' routes cannot have one
    routes = [{**r, _METRIC: _USUAL} if _is_default(r) else r for r in _routes(plugin)]
    return {**plugin, "ipam": {**plugin["ipam"], "routes": routes}}


def _is_default(route: Mapping[str, Any]) -> bool:
    return route.get("dst") in _ALL and not route.get(_METRIC)


def _routes(plugin: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The routes of a plugin's IPAM; [] where there is no proper list."""
    routes = plugin.get("ipam", {}).get("routes")
    return [one for one in routes if isinstance(one, dict)] if isinstance(routes, list) else []
