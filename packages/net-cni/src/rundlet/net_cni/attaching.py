"""Attachments: all networks of a container joined, or none; and undone, whatever is left."""

from __future__ import annotations

import os

from rundlet.core.contracts.network import AttachResult
from rundlet.core.errors import NetworkError, NoSuchNetwork
from rundlet.core.state.locks import Locks

from . import wish
from .cache import Cache, Record
from .chain import Chain
from .config import find
from .default import default_network
from .execute import TIMEOUT, Executor
from .ports import Ports, validate
from .result import dns_of, interface_of
from .rules import remove_masquerade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rundlet.core.contracts.network import (
        Attachment,
        InterfaceResult,
        NetworkRequest,
        NetworkSettings,
        PortMapping,
    )

    from .config import NetworkConfig

_LOCK_TIMEOUT = 120.0  # seconds


class Attaching:
    """What the settings of the plugin come to."""

    def __init__(self, settings: NetworkSettings) -> None:
        options = settings.options
        timeout = float(options.get("timeout", TIMEOUT))
        self.executor = Executor([str(path) for path in settings.plugin_dirs], timeout)
        self.directories = [str(path) for path in settings.config_dirs]
        self.cache = Cache(os.path.join(settings.state_dir, "cni"))
        self.locks = Locks(os.path.join(settings.run_dir, "locks"), _LOCK_TIMEOUT)
        self.ports = Ports(os.path.join(settings.run_dir, "ports"), self._attached)
        self.default = settings.default_network
        self.subnet = str(options.get("default_subnet", ""))
        self.data_dir = str(options.get("data_dir", ""))

    def network(self, name: str) -> NetworkConfig:
        """The network of a name, "" for the default. Raises NoSuchNetwork, NetworkError."""
        name = name or self.default
        found = find(self.directories, name)
        if found is not None:
            return found
        if name and name == self.default:
            return default_network(name, self.subnet) if self.subnet else default_network(name)
        if not name:
            raise NetworkError(
                f"no network is configured in {', '.join(self.directories)}",
                remedy="Put a CNI configuration (*.conflist) there.",
            )
        raise NoSuchNetwork(name)

    # --- attach

    def attach(self, attachment: Attachment) -> AttachResult:
        """Join all networks in order. Raises NetworkError; everything is undone then."""
        if attachment.namespace is None:
            raise NetworkError(f"container {attachment.container} has no network namespace to join")
        networks = [self.network(request.network) for request in attachment.networks]
        ports, records = self._prepare(attachment, networks)
        done: list[Record] = []
        try:
            for network, record in zip(networks, records, strict=True):
                done.append(self._add(network, record))
            interfaces = self._interfaces(attachment, done)
        except BaseException as error:
            self._undo(records, done, error)
            if attachment.ports:
                self.ports.release([attachment.container])
            raise
        return _result(interfaces, ports, done)

    def _prepare(
        self, attachment: Attachment, networks: Sequence[NetworkConfig]
    ) -> tuple[tuple[PortMapping, ...], list[Record]]:
        """Everything that can be refused, before anything is done; then it is noted on disk."""
        for port in attachment.ports:
            validate(port)
        for network in networks:
            for plugin in network.plugins:
                self.executor.find(plugin["type"])
        names = wish.interfaces(attachment.networks)
        publisher = _publisher(networks, attachment)
        with self.locks.hold("network", "ports"):
            ports = self.ports.take(attachment.container, attachment.ports)
            records = []
            try:
                for place, request in enumerate(attachment.networks):
                    mine = ports if place == publisher else ()
                    records.append(
                        _record(attachment, request, networks[place], names[place], mine)
                    )
                for record in records:
                    self.cache.write(record)
            except BaseException:
                for record in records:
                    self.cache.remove(record.container, record.interface)
                if ports:
                    self.ports.release([attachment.container])
                raise
        return ports, records

    def _add(self, network: NetworkConfig, record: Record) -> Record:
        try:
            with self.locks.hold("network", network.name):
                return self.chain(record).add(self.cache.write)
        except NetworkError as error:
            if not _exhausted(error) or not self._forget_dead(record.container):
                raise
        self._delete(record)
        self.cache.write(record)
        with self.locks.hold("network", network.name):
            return self.chain(record).add(self.cache.write)

    def _interfaces(
        self, attachment: Attachment, done: Sequence[Record]
    ) -> tuple[InterfaceResult, ...]:
        return tuple(
            interface_of(
                record.result,
                record.network,
                record.interface,
                namespace=record.namespace,
                aliases=request.aliases,
            )
            for record, request in zip(done, attachment.networks, strict=True)
        )

    def _undo(self, records: Sequence[Record], done: list[Record], error: BaseException) -> None:
        """DEL of the one that failed and of those before, last first; its own errors are told."""
        begun = records[: len(done) + 1]
        for record in reversed(records):
            if record not in begun:
                self.cache.remove(record.container, record.interface)
                continue
            latest = [r for r in self.cache.of(record.container) if r.interface == record.interface]
            try:
                self._delete(latest[0] if latest else record)
            except NetworkError as second:
                error.add_note(f"and while undoing it: {second.message}")

    def chain(self, record: Record) -> Chain:
        return Chain(self.executor, record, self.data_dir)

    # --- detach

    def detach(self, attachment: Attachment, result: AttachResult) -> None:
        """DEL all networks of the attachment, last first; the others also when one fails.

        Raises the first NetworkError; what failed stays noted, to be tried again.
        """
        failure: NetworkError | None = None
        for record in reversed(self._records(attachment, result)):
            try:
                self._delete(record)
            except NetworkError as error:
                failure = failure or error
        if attachment.ports or result.ports:
            self.ports.release([attachment.container])
        if failure is not None:
            raise failure

    def _records(self, attachment: Attachment, result: AttachResult) -> list[Record]:
        """What is attached, in order: as noted, else as it can be told from what is given."""
        noted = self.cache.of(attachment.container)
        found: list[Record] = []
        made = wish.interfaces(attachment.networks)
        for place, request in enumerate(attachment.networks):
            name = request.network or self.default
            mine = [r for r in noted if r.network == name and r not in found] if name else noted
            exact = [r for r in mine if r.interface == request.interface]
            if exact or mine:
                found.append((exact or mine)[0])
                continue
            have = [i for i in result.interfaces if i.network == name]
            interface = have[0].interface if have else made[place]
            guess = self._guess(attachment, place, interface, result)
            if guess is not None:
                found.append(guess)
        return found

    def _guess(
        self, attachment: Attachment, place: int, interface: str, result: AttachResult
    ) -> Record | None:
        """A record made anew for an attachment whose note is lost; None without its network."""
        request = attachment.networks[place]
        try:
            network = self.network(request.network)
        except (NoSuchNetwork, NetworkError):
            return None
        ports = (result.ports or attachment.ports) if network.has("portMappings") else ()
        record = _record(attachment, request, network, interface, ports)
        return record.replace(result=result.raw.get(interface, {}))

    def _delete(self, record: Record) -> None:
        """DEL of one interface, with or without its namespace. Raises NetworkError."""
        there = record.namespace if is_namespace(record.namespace) else ""
        chain = self.chain(record)
        with self.locks.hold("network", record.network):
            chain.delete(there)
            if not there:
                remove_masquerade(chain.network, record)
        self.cache.remove(record.container, record.interface)

    # --- what is left of the dead

    def forget(self, records: Iterable[Record]) -> int:
        """DEL all of these and give back their ports; how many went. Errors: the first, last."""
        failure: NetworkError | None = None
        gone = 0
        for record in records:
            try:
                self._delete(record)
                self.ports.release([record.container])
                gone += 1
            except NetworkError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return gone

    def _forget_dead(self, living: str) -> int:
        """Free the addresses of attachments whose namespace is gone (after a reboot, a crash)."""
        try:
            return self.forget(
                record
                for record in self.cache.all()
                if record.container != living and not is_namespace(record.namespace)
            )
        except NetworkError:
            return 0

    def _attached(self, container: str) -> bool:
        return any(is_namespace(record.namespace) for record in self.cache.of(container))


def is_namespace(path: str) -> bool:
    """Whether a file is (still) a namespace: a plain file is what is left when it is unmounted.

    All namespaces are files of one file system, nsfs, and so of one device.
    """
    try:
        return bool(path) and os.stat(path).st_dev == os.stat("/proc/self/ns/net").st_dev
    except OSError:
        return False


def _record(
    attachment: Attachment,
    request: NetworkRequest,
    network: NetworkConfig,
    interface: str,
    ports: Sequence[PortMapping],
) -> Record:
    return Record(
        container=attachment.container,
        interface=interface,
        namespace=str(attachment.namespace or ""),
        network=network.name,
        document=network.document,
        capabilities=wish.capabilities(network, request, attachment, ports),
        arguments=wish.arguments(network, request, attachment),
    )


def _publisher(networks: Sequence[NetworkConfig], attachment: Attachment) -> int:
    """The first network that can publish ports; -1 when there are none to publish."""
    if not attachment.ports:
        return -1
    for place, network in enumerate(networks):
        if network.has("portMappings"):
            return place
    names = ", ".join(network.name for network in networks)
    raise NetworkError(
        f"cannot publish ports: no plugin of network {names or 'none'} does that",
        remedy='Join a network with the plugin portmap, as the default network "podman" has.',
    )


def _exhausted(error: NetworkError) -> bool:
    """host-local has no address left (its words; it has no error code for this)."""
    return "no IP addresses available" in error.message


def _result(
    interfaces: tuple[InterfaceResult, ...],
    ports: tuple[PortMapping, ...],
    done: Sequence[Record],
) -> AttachResult:
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    for record in done:
        for have, more in zip((servers, search, options), dns_of(record.result), strict=True):
            have += [word for word in more if word not in have]
    return AttachResult(
        interfaces=interfaces,
        ports=ports,
        nameservers=tuple(servers),
        search=tuple(search),
        dns_options=tuple(options),
        raw={record.interface: record.result for record in done},
    )
