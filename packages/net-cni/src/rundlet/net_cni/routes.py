"""Default routes where a container is on several networks: the first network that has one wins.

The plugins would each put theirs in front of the others', so that the last network won, and
with it what the container's own address in the internet is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set
    from typing import Any

_ALL = ("0.0.0.0/0", "::/0")


def default_routes(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """The default routes, "0.0.0.0/0" and "::/0", that networks (conflists) give."""
    found: set[str] = set()
    for document in documents:
        for plugin in document.get("plugins", ()):
            if plugin.get("isDefaultGateway"):
                found.update(_ALL)
            found.update(str(route.get("dst")) for route in _routes(plugin))
    return found.intersection(_ALL)


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
    if any(str(route.get("dst")) in unwanted for route in _routes(plugin)):
        kept = [route for route in _routes(plugin) if str(route.get("dst")) not in unwanted]
        changed["ipam"] = {**plugin["ipam"], "routes": kept}
    return changed


def _routes(plugin: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The routes of a plugin's IPAM; [] where there is no proper list."""
    routes = plugin.get("ipam", {}).get("routes")
    return [one for one in routes if isinstance(one, dict)] if isinstance(routes, list) else []
