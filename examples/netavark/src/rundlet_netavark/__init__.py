"""The network plugin `netavark`: networks by podman's own programs, netavark and aardvark-dns.

Settings, in [plugins.netavark] of rundlet.toml: `subnet`, of the default network
(10.92.0.0/16); `directory`, where both programs are, if not where Debian or podman put them.

`programs` runs netavark, `networks` keeps their definitions, `leases` who has which address.
"""

from __future__ import annotations

import ipaddress

from rundlet.core.contracts.network import (
    Address,
    AttachResult,
    InterfaceResult,
    NetworkPlugin,
    NetworkRequest,
)
from rundlet.core.contracts.probe import Probe
from rundlet.core.errors import InUse, NetworkError
from rundlet.core.hookspecs import hookimpl

from .leases import Leases
from .networks import Networks
from .ports import picked
from .programs import Programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.core.contracts.network import Attachment, Network, NetworkSettings


class NetavarkNetworks(NetworkPlugin):
    """The contract, in terms of the three parts."""

    name = "netavark"

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        options = settings.options
        self._programs = Programs(
            str(settings.run_dir / "netavark"), str(options.get("directory", ""))
        )
        self._networks = Networks(
            str(settings.state_dir / "netavark"),
            settings.default_network or "podman",
            str(options.get("subnet", "10.92.0.0/16")),
        )
        self._leases = Leases(str(settings.run_dir / "netavark"))

    def probe(self) -> Probe:
        missing = self._programs.missing()
        if missing:
            return Probe(False, f"not installed: {missing} (apt install netavark aardvark-dns)")
        return Probe(True, details={"netavark": self._programs.version()})

    def status(self) -> Sequence[str]:
        probe = self.probe()
        return () if probe.works else (probe.reason,)

    # --- attachments

    def attach(self, attachment: Attachment) -> AttachResult:
        namespace = str(attachment.namespace)
        with self._leases.locked():
            document = self._document(attachment)
            # The lease is written first: what a kill leaves half done can be torn down.
            self._leases.write(attachment.container, {**document, "namespace": namespace})
            try:
                status = self._programs.setup(namespace, document)
                return _result(document, status, attachment)
            except BaseException:
                self._tear_down(attachment.container)
                raise

    def _document(self, attachment: Attachment) -> dict[str, Any]:
        """What netavark reads (its source, src/network/types.rs): names, addresses, ports."""
        joined: dict[str, dict[str, Any]] = {}
        definitions = {}
        taken = {request.interface for request in attachment.networks}
        free = (f"eth{number}" for number in range(1000) if f"eth{number}" not in taken)
        for request in attachment.networks or (NetworkRequest(),):
            definition = self._networks.get(request.network)
            name = definition["name"]
            if name in joined:
                raise NetworkError(f"network {name} is joined twice")
            definitions[name] = definition
            joined[name] = {
                "interface_name": request.interface or next(free),
                "static_ips": self._leases.addresses(definition, request.ips),
                "aliases": [attachment.name, attachment.container[:12], *request.aliases],
                **({"static_mac": request.mac} if request.mac else {}),
            }
        ports = picked(attachment.ports, self._leases.ports())
        return {
            "container_id": attachment.container,
            "container_name": attachment.name,
            "networks": joined,
            "network_info": definitions,
            "port_mappings": [
                {
                    "container_port": port.container_port,
                    "host_port": port.host_port,
                    "host_ip": port.host_ip,
                    "protocol": port.protocol,
                    "range": port.size,
                }
                for port in ports
            ],
        }

    def detach(self, attachment: Attachment, result: AttachResult) -> None:
        with self._leases.locked():
            self._tear_down(attachment.container)

    def _tear_down(self, container: str) -> None:
        document = self._leases.read(container)
        if document is not None:
            self._programs.teardown(document.pop("namespace"), document)
            self._leases.remove(container)

    def check(self, attachment: Attachment, result: AttachResult) -> None:
        there = self._programs.addresses(str(attachment.namespace))
        for one in result.interfaces:
            missing = {address.address for address in one.addresses} - there.get(
                one.interface, set()
            )
            if one.interface not in there or missing:
                raise NetworkError(
                    f"container {attachment.name}: {one.interface} of network {one.network}"
                    f" {'has not ' + ', '.join(missing) if missing else 'is not there'}"
                )

    def collect(self, valid: Sequence[Attachment]) -> None:
        living = {attachment.container for attachment in valid}
        with self._leases.locked():
            for container in self._leases.containers() - living:
                self._tear_down(container)

    # --- networks

    def networks(self) -> Sequence[Network]:
        return self._networks.listed()

    def create_network(self, network: Network) -> Network:
        with self._leases.locked():
            return self._networks.create(network)

    def remove_network(self, name: str) -> None:
        with self._leases.locked():
            users = [c for c, document in self._leases.all() if name in document["networks"]]
            if users:
                raise InUse(f"network {name} is being used by container {users[0][:12]}")
            self._networks.remove(name)


def _result(
    document: Mapping[str, Any], status: Mapping[str, Any], attachment: Attachment
) -> AttachResult:
    """What netavark says that it did. Raises NetworkError for nonsense."""
    interfaces = []
    servers: list[str] = []
    search: list[str] = []
    try:
        for network, joined in document["networks"].items():
            found = status[network]
            made = found["interfaces"][joined["interface_name"]]
            interfaces.append(
                InterfaceResult(
                    network=network,
                    interface=joined["interface_name"],
                    mac=made["mac_address"],
                    addresses=tuple(
                        Address(str(ipaddress.ip_interface(one["ipnet"])), one.get("gateway") or "")
                        for one in made["subnets"]
                    ),
                    aliases=tuple(joined["aliases"]),
                )
            )
            servers += found.get("dns_server_ips") or []
            search += found.get("dns_search_domains") or []
    except (KeyError, TypeError, ValueError) as error:
        raise NetworkError(f"netavark answered nonsense: {error!r} in {status}") from error
    ports = tuple(
        asked.replace(host_port=mapping["host_port"])
        for asked, mapping in zip(attachment.ports, document["port_mappings"], strict=True)
    )
    unique = tuple(dict.fromkeys(search))
    return AttachResult(tuple(interfaces), ports, tuple(servers), unique)


@hookimpl
def rundlet_network_plugin(name: str, settings: NetworkSettings) -> NetworkPlugin | None:
    """Make the plugin."""
    return NetavarkNetworks(settings) if name == "netavark" else None
