"""Contract of a network plugin: joins a network namespace to networks.

The engine makes and pins the namespace (a file under the run root); the plugin
fills it. A plugin that needs no namespace of its own (`host`) says so.

Clauses
    NETWORK-PROBE           the plugin works here, or its probe says why not.
    NETWORK-CHECK           `check` raises if the attachment is no longer as the result says.
    NETWORK-ATTACH-UNDO     a failed `attach` leaves nothing: no interface, rule or lease.
    NETWORK-DETACH-IDEMPOTENT  `detach` succeeds for what is gone, also without the namespace.
    NETWORK-RESULT          the result names every interface, address and route that is there.
    NETWORK-STATUS          `status` says why containers cannot be attached, or nothing.
    NETWORK-GC              `collect` removes what belongs to no attachment in the given list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any, ClassVar, Literal

    from ..errors import NotSupported
    from .probe import Probe

    Protocol = Literal["tcp", "udp", "sctp"]


class PortMapping(Value):
    """`-p host_ip:host_port:container_port/protocol`, `size` ports in a row; host_port 0: any.

    picked: nobody said host_port; it was free when the container was made, and where it is in use
    now the plugin may take another.
    """

    container_port: int
    host_port: int = 0
    protocol: Protocol = "tcp"
    host_ip: str = ""
    size: int = 1
    picked: bool = False


class NetworkRequest(Value):
    """One network to join. Empty name: the plugin's default network."""

    network: str = ""
    interface: str = ""
    ips: tuple[str, ...] = ()
    mac: str = ""
    aliases: tuple[str, ...] = ()
    options: Mapping[str, str] = EMPTY


class Attachment(Value):
    """A container's whole wish: networks in order (the first is the default route) and ports."""

    container: str
    name: str
    namespace: Path | None
    networks: tuple[NetworkRequest, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    hostname: str = ""
    dns: tuple[str, ...] = ()
    labels: Mapping[str, str] = EMPTY


class Address(Value):
    """An address with prefix length ("10.88.0.2/16") and its gateway ("" for none)."""

    address: str
    gateway: str = ""


class InterfaceResult(Value):
    """One interface in the namespace."""

    network: str
    interface: str
    mac: str = ""
    addresses: tuple[Address, ...] = ()
    routes: tuple[Mapping[str, Any], ...] = ()
    aliases: tuple[str, ...] = ()


class AttachResult(Value):
    """What `attach` did; stored by the engine and given back to `detach` and `check`.

    ports: as asked, with every host_port 0 replaced by the one that was taken.
    dns: nameservers, search domains and options that the networks bring.
    raw: anything of the plugin's own that it wants back (JSON).
    """

    interfaces: tuple[InterfaceResult, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    raw: Mapping[str, Any] = EMPTY


class Network(Value):
    """A named network. `options` are podman's `--opt` pairs, `driver` bridge | macvlan | ipvlan.

    subnets: subnet, gateway, start_ip and end_ip of each. routes: destination, gateway, metric,
    and route_type where it leads nowhere. dns_servers: addresses. ipam: who gives addresses
    out, host-local, dhcp or none; "" where the plugin does not say.
    """

    name: str
    id: str = ""
    driver: str = "bridge"
    interface: str = ""
    subnets: tuple[Mapping[str, str], ...] = ()
    internal: bool = False
    ipv6: bool = False
    dns_enabled: bool = False
    created: str = ""
    labels: Mapping[str, str] = EMPTY
    options: Mapping[str, str] = EMPTY
    plugin: str = ""
    dns_servers: tuple[str, ...] = ()
    routes: tuple[Mapping[str, Any], ...] = ()
    ipam: str = ""


class NetworkSettings(Value):
    """Where a plugin keeps things. config_dirs: network definitions, first wins for writing."""

    state_dir: Path
    run_dir: Path
    config_dirs: tuple[Path, ...] = ()
    plugin_dirs: tuple[Path, ...] = ()
    default_network: str = ""
    options: Mapping[str, Any] = EMPTY


class NetworkPlugin(ABC):
    """Base of all network plugins. Constructed as `Plugin(settings)`."""

    contract_version: ClassVar[int] = 1
    name: ClassVar[str]
    own_namespace: ClassVar[bool] = True

    def __init__(self, settings: NetworkSettings) -> None:
        self.settings = settings

    @abstractmethod
    def probe(self) -> Probe: ...

    @abstractmethod
    def attach(self, attachment: Attachment) -> AttachResult:
        """Join all networks and publish all ports, or raise NetworkError and leave nothing.

        Ports that a network publishes which the container has joined before are left to that one.
        """

    @abstractmethod
    def detach(self, attachment: Attachment, result: AttachResult) -> None:
        """Undo `attach`. Of a container that stays on other networks, ports remain published."""

    def rename(self, attachment: Attachment, name: str) -> None:  # noqa: B027 (nor is that a need)
        """An attached container is called `name` from now on: by that others find it."""

    @abstractmethod
    def check(self, attachment: Attachment, result: AttachResult) -> None:
        """Raise NetworkError if the attachment is no longer as the result says."""

    def status(self) -> Sequence[str]:
        """Why containers cannot be attached now; empty when they can."""
        return ()

    def collect(self, valid: Sequence[Attachment]) -> None:  # noqa: B027 (nothing to do is right)
        """Remove leases, rules and interfaces that belong to no valid attachment."""

    def damage(self) -> Sequence[str]:
        """What attached containers are without that `mend` brings back, such as a server that was
        killed: a line each; empty when all is whole."""
        return ()

    def mend(self) -> None:  # noqa: B027 (nothing to do is right)
        """Bring back what `damage` tells of."""

    def networks(self) -> Sequence[Network]:
        """All networks this plugin knows, the default first."""
        return ()

    def create_network(self, network: Network) -> Network:
        """Define a network; empty fields are filled in. Raises AlreadyExists, NotSupported."""
        raise self._has_none()

    def update_network(
        self, name: str, *, dns_add: Sequence[str] = (), dns_drop: Sequence[str] = ()
    ) -> Network:
        """Change the nameservers of a network. Raises NoSuchNetwork, InvalidArgument, NotSupported.

        Containers that are attached already keep those that they have.
        """
        raise self._has_none()

    def remove_network(self, name: str) -> None:
        """Raises NoSuchNetwork, InUse, NotSupported."""
        raise self._has_none()

    def _has_none(self) -> NotSupported:
        from ..errors import NotSupported

        return NotSupported(
            f"network plugin {self.name} has no networks of its own",
            remedy="Another plugin has: pip install rundlet-net-cni.",
        )
