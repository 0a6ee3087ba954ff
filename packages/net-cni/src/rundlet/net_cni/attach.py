"""Joining: all networks of an attachment, or none."""

from __future__ import annotations

import os
import sys

from rundlet.core.contracts.network import AttachResult
from rundlet.core.errors import AlreadyExists, NetworkError

from . import wish
from .cache import Record
from .detach import delete, forget_dead
from .names import DOMAIN, nameservers
from .options import unmanaged
from .ports import unreachable, validate
from .result import dns_of, interface_of
from .routes import ranked
from .standard import is_internal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.contracts.network import (
        Attachment,
        InterfaceResult,
        NetworkRequest,
        PortMapping,
    )

    from .config import NetworkConfig
    from .parts import Parts

_RACED = ("File exists", "Chain already exists")
"""What iptables says when two make the same chain at once (nft and legacy)."""

_EXHAUSTED = "no IP addresses available"
"""What host-local says when a range is used up; it has no error code for this."""


def attach(parts: Parts, attachment: Attachment) -> AttachResult:
    """Join all networks in order. Raises NetworkError; everything is undone then."""
    if attachment.namespace is None:
        raise NetworkError(f"container {attachment.container} has no network namespace to join")
    networks = [parts.network(request.network) for request in attachment.networks]
    for network in networks:
        for plugin in network.plugins:
            parts.executor.find(plugin["type"])
        if is_unmanaged(network):
            _check_bridge(network)
    with parts.held(attachment.container):
        if attachment.ports and _is_published(parts, attachment):
            attachment = attachment.replace(ports=())
        ports, records = _prepare(parts, attachment, networks)
        done: list[Record] = []
        try:
            for record in records:
                done.append(_add(parts, record))  # noqa: PERF401 (half a list counts too)
            interfaces = _interfaces(attachment, done)
        except BaseException as error:
            _undo(parts, records, len(done), error)
            if ports:
                parts.ports.release([attachment.container])
            raise
        for record in done:
            parts.names.update(record)
            _warn(record, ports)
    return _result(parts, interfaces, ports, done)


# --- before anything is done


def _prepare(
    parts: Parts, attachment: Attachment, networks: Sequence[NetworkConfig]
) -> tuple[tuple[PortMapping, ...], list[Record]]:
    """Refuse what can be refused, take the ports, note on disk what is about to be done."""
    for port in attachment.ports:
        validate(port)
    names = wish.interfaces(attachment.networks)
    publisher = _publisher(networks, attachment)
    _clear(parts, attachment, names)
    if not attachment.ports:
        return (), _noted(parts, attachment, networks, names, -1, ())
    # One at a time, until the note is there by which others know these ports as taken.
    with parts.host.ports():
        if not parts.attached(attachment.container):  # those of a run that ended with a crash
            parts.ports.release([attachment.container])
        ports = parts.ports.take(attachment.container, attachment.ports)
        try:
            return ports, _noted(parts, attachment, networks, names, publisher, ports)
        except BaseException:
            parts.ports.release([attachment.container])
            raise


def _is_published(parts: Parts, attachment: Attachment) -> bool:
    """Whether a network that the container is on already publishes its ports."""
    return any(
        record.complete
        and record.capabilities.get("portMappings")
        and record.attached_to() == str(attachment.namespace)
        for record in parts.cache.of(attachment.container)
    )


def is_unmanaged(network: NetworkConfig) -> bool:
    """Whether a network is of a bridge that somebody else makes: `--opt mode=unmanaged`."""
    notes = network.document.get("args")
    options = notes.get("podman_options") if isinstance(notes, dict) else None
    return isinstance(options, dict) and unmanaged(options)


def _check_bridge(network: NetworkConfig) -> None:
    from .netlink import Netlink

    name = str(network.plugins[0].get("bridge") or "")
    with Netlink() as host:
        if host.link(name) is None:
            raise NetworkError(
                f'network "{network.name}": bridge {name} does not exist',
                remedy=f"make it (ip link add {name} type bridge), or leave out mode=unmanaged",
            )


def _publisher(networks: Sequence[NetworkConfig], attachment: Attachment) -> int:
    """The first network that can publish ports."""
    for place, network in enumerate(networks):
        if network.has("portMappings"):
            return place
    if not networks:  # it has left all; the one that it joins next publishes
        return -1
    if not attachment.ports or any(map(_publishes_nothing, networks)):
        return -1
    names = ", ".join(network.name for network in networks)
    raise NetworkError(
        f"cannot publish ports: no plugin of network {names} does that",
        remedy='Join a network with the plugin portmap, as the default network "podman" has.',
    )


def _publishes_nothing(network: NetworkConfig) -> bool:
    """Whether that is as it should be: who looks after the bridge publishes, or nobody is to."""
    return is_unmanaged(network) or is_internal(network.plugins[0])


def _clear(parts: Parts, attachment: Attachment, names: Sequence[str]) -> None:
    """Undo what a killed process left of this container, so that its interfaces are free."""
    for record in parts.cache.of(attachment.container):
        if record.interface not in names:
            continue
        if record.complete and record.attached_to() == str(attachment.namespace):
            raise AlreadyExists(
                f"container {attachment.container} has an interface {record.interface} already,"
                f" on network {record.network}"
            )
        delete(parts, record)


def _noted(
    parts: Parts,
    attachment: Attachment,
    networks: Sequence[NetworkConfig],
    names: Sequence[str],
    publisher: int,
    ports: Sequence[PortMapping],
) -> list[Record]:
    records: list[Record] = []
    joined = [record.document for record in parts.cache.of(attachment.container)]
    for place, network in enumerate(networks):
        mine = ports if place == publisher else ()
        record = record_of(attachment, place, network, names[place], mine)
        joined.append(ranked(record.document, joined))
        records.append(record.replace(document=joined[-1]))
    written: list[Record] = []
    try:
        for record in records:
            parts.cache.write(record)
            written.append(record)
    except BaseException:
        for record in written:
            parts.cache.remove(record.container, record.interface)
        raise
    return records


def record_of(
    attachment: Attachment,
    place: int,
    network: NetworkConfig,
    interface: str,
    ports: Sequence[PortMapping],
) -> Record:
    """The note of one network of an attachment, before anything is done."""
    request = attachment.networks[place]
    namespace = str(attachment.namespace or "")
    return Record(
        container=attachment.container,
        interface=interface,
        namespace=namespace,
        network=network.name,
        inode=_inode(namespace),
        document=network.document,
        capabilities=wish.capabilities(network, request, attachment, ports),
        arguments=wish.arguments(network, request, attachment),
        names=_names(attachment, request),
        dns=tuple(attachment.dns) or nameservers(network),
    )


def _names(attachment: Attachment, request: NetworkRequest) -> tuple[str, ...]:
    """By which others find the container; its hostname too, unless that is the host's."""
    hostname = attachment.hostname if attachment.hostname != os.uname().nodename else ""
    names = (attachment.name, attachment.container[:12], hostname, *request.aliases)
    return tuple(dict.fromkeys(filter(None, names)))


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


# --- doing and undoing


def _add(parts: Parts, record: Record) -> Record:
    """ADD a network; once more where what was in the way could be removed."""
    try:
        return _add_once(parts, record)
    except NetworkError as error:
        raced = any(words in error.message for words in _RACED)
        if not raced and not (_EXHAUSTED in error.message and forget_dead(parts)):
            raise
    delete(parts, record)
    parts.cache.write(record)
    parts.host.forget(record)
    return _add_once(parts, record)


def _add_once(parts: Parts, record: Record) -> Record:
    chain = parts.chain(record)
    with parts.host.rules(record, alone=chain.is_done_here()):
        added = chain.add(parts.cache.write)
        parts.host.prepared(record)
    return added


def _undo(parts: Parts, records: Sequence[Record], done: int, error: BaseException) -> None:
    """DEL of the one that failed and of those before, last first; errors are told along."""
    for place, record in reversed(list(enumerate(records))):
        if place > done:
            parts.cache.remove(record.container, record.interface)
            continue
        noted = parts.cache.of(record.container)
        latest = next((one for one in noted if one.interface == record.interface), record)
        try:
            delete(parts, latest)
        except NetworkError as second:
            error.add_note(f"and while undoing it: {second.message}")
            if not latest.result:
                # Not one of its plugins had made anything, and DEL fails as ADD did (macvlan
                # without its master does): a note of it would only make every later DEL fail.
                parts.cache.remove(latest.container, latest.interface)


# --- what came of it


def _interfaces(attachment: Attachment, done: Sequence[Record]) -> tuple[InterfaceResult, ...]:
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


def _warn(record: Record, ports: Sequence[PortMapping]) -> None:
    """Of ports that nobody will reach; podman says nothing."""
    if not any(port.host_ip for port in ports) or not record.capabilities.get("portMappings"):
        return
    families = {":" in ip["address"] for ip in record.result.get("ips", ())}
    for problem in unreachable(ports, families):
        sys.stderr.write(f"WARN[0000] {problem}\n")


def _result(
    parts: Parts,
    interfaces: tuple[InterfaceResult, ...],
    ports: tuple[PortMapping, ...],
    done: Sequence[Record],
) -> AttachResult:
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    for record in done:
        found = dns_of(record.result)
        own = parts.names.servers(record)
        if own:  # it asks the others for what it does not know
            found = (list(own), [*found[1], DOMAIN], found[2])
        for have, more in zip((servers, search, options), found, strict=True):
            have += [word for word in more if word not in have]
    return AttachResult(
        interfaces=interfaces,
        ports=ports,
        nameservers=tuple(servers),
        search=tuple(search),
        dns_options=tuple(options),
        raw={record.interface: record.result for record in done},
    )
