"""The network plugin `none`: a namespace with nothing but its loopback."""

from __future__ import annotations

from ..contracts.network import AttachResult, NetworkPlugin
from ..contracts.probe import Probe
from ..hookspecs import hookimpl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.network import Attachment, NetworkSettings


class NoNetwork(NetworkPlugin):
    """Joins nothing; ports are not published."""

    name = "none"

    def probe(self) -> Probe:
        return Probe(True)

    def attach(self, attachment: Attachment) -> AttachResult:
        return AttachResult()

    def detach(self, attachment: Attachment, result: AttachResult) -> None:
        pass

    def check(self, attachment: Attachment, result: AttachResult) -> None:
        pass


@hookimpl
def rundlet_network_plugin(name: str, settings: NetworkSettings) -> NetworkPlugin | None:
    """The driver, for its own name."""
    return NoNetwork(settings) if name == NoNetwork.name else None
