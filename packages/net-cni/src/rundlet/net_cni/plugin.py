"""The network plugin `cni`: networks by the binaries of the Container Network Interface.

Settings, in [plugins.cni] of rundlet.toml: `timeout`, seconds that one plugin may take (60);
`data_dir`, where host-local keeps leases when a network does not say (/var/lib/cni/networks);
`in_process`, whether bridges are joined without their plugin's process where that comes to the
same (true).
"""

from __future__ import annotations

from rundlet.core.contracts.network import NetworkPlugin
from rundlet.core.contracts.probe import Probe
from rundlet.core.hookspecs import hookimpl

from .parts import Parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.contracts.network import (
        Attachment,
        AttachResult,
        Network,
        NetworkSettings,
    )


class CNINetworks(NetworkPlugin):
    """Networks as the CNI configuration files and podman's default define them."""

    name = "cni"

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        self._parts = Parts(settings)

    def probe(self) -> Probe:
        from .health import probe

        return probe(self._parts)

    def attach(self, attachment: Attachment) -> AttachResult:
        from .attach import attach

        return attach(self._parts, attachment)

    def detach(self, attachment: Attachment, result: AttachResult) -> None:
        from .detach import detach

        detach(self._parts, attachment, result)

    def rename(self, attachment: Attachment, name: str) -> None:
        from .rename import rename

        rename(self._parts, attachment, name)

    def check(self, attachment: Attachment, result: AttachResult) -> None:
        from .health import check

        check(self._parts, attachment, result)

    def status(self) -> Sequence[str]:
        from .health import status

        return status(self._parts)

    def collect(self, valid: Sequence[Attachment]) -> None:
        from .health import collect

        collect(self._parts, valid)

    def damage(self) -> Sequence[str]:
        from .health import damage

        return damage(self._parts)

    def mend(self) -> None:
        self._parts.names.serve()

    def networks(self) -> Sequence[Network]:
        from .define import networks

        return networks(self._parts)

    def create_network(self, network: Network) -> Network:
        from .create import create

        return create(self._parts, network)

    def update_network(
        self, name: str, *, dns_add: Sequence[str] = (), dns_drop: Sequence[str] = ()
    ) -> Network:
        from .update import update

        return update(self._parts, name, dns_add, dns_drop)

    def remove_network(self, name: str) -> None:
        from .remove import remove

        remove(self._parts, name)


@hookimpl
def rundlet_network_plugin(name: str, settings: NetworkSettings) -> NetworkPlugin | None:
    """The driver, for its own name."""
    return CNINetworks(settings) if name == CNINetworks.name else None
