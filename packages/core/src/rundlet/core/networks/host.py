"""The network plugin `host`: containers share the network namespace of the host."""

from __future__ import annotations

from ..contracts.network import NetworkPlugin
from ..hookspecs import hookimpl
from .none import NoNetwork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.network import NetworkSettings


class HostNetwork(NoNetwork):
    """No namespace, so nothing to join, and every port of the container is one of the host."""

    name = "host"
    own_namespace = False


@hookimpl
def rundlet_network_plugin(name: str, settings: NetworkSettings) -> NetworkPlugin | None:
    """The driver, for its own name."""
    return HostNetwork(settings) if name == HostNetwork.name else None
