"""Undoing an attachment, whatever is left of it: of its namespace, its note, its network."""

from __future__ import annotations

import os

from rundlet.core.errors import NetworkError, NoSuchNetwork

from . import wish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rundlet.core.contracts.network import Attachment, AttachResult

    from .cache import Record
    from .parts import Parts

_PORTS = "portMappings"


def detach(parts: Parts, attachment: Attachment, result: AttachResult) -> None:
    """DEL all networks of the attachment, last first; the others also when one fails.

    Where the container stays on other networks, the next of these publishes its ports.

    Raises the first NetworkError; what failed stays noted, to be tried again.
    """
    failure: NetworkError | None = None
    with parts.held(attachment.container):
        records = noted(parts, attachment, result)
        others = _others(parts, records, attachment.container)
        for record in reversed(records):
            try:
                delete(parts, record)
            except NetworkError as error:
                failure = failure or error
        maps = next((r.capabilities[_PORTS] for r in records if _PORTS in r.capabilities), None)
        if maps and others:
            _publish(parts, others, maps)
        elif (attachment.ports or result.ports) and not others:
            parts.ports.release([attachment.container])
    if failure is not None:
        raise failure


def _others(parts: Parts, records: Iterable[Record], container: str) -> list[Record]:
    """The interfaces that a container keeps."""
    leaves = {record.interface for record in records}
    return [
        record
        for record in parts.cache.of(container)
        if record.interface not in leaves and record.attached_to()
    ]


def _publish(parts: Parts, records: Iterable[Record], maps: Any) -> None:
    """Publish ports by the first of these networks that can; give them back where none can."""
    for record in records:
        chain = parts.chain(record.replace(capabilities={**record.capabilities, _PORTS: maps}))
        if chain.network.has(_PORTS):
            parts.cache.write(chain.record)
            with parts.host.rules(chain.record):
                chain.publish()
            return
    parts.ports.release([record.container for record in records])


def noted(parts: Parts, attachment: Attachment, result: AttachResult) -> list[Record]:
    """The interfaces of an attachment in order: as noted, else as far as they can be told."""
    left = parts.cache.of(attachment.container)
    found: list[Record] = []
    made = wish.interfaces(attachment.networks)
    for place, request in enumerate(attachment.networks):
        name = request.network or parts.default
        mine = [
            record
            for record in left
            if name in ("", record.network) and request.interface in ("", record.interface)
        ]
        record = mine[0] if mine else _guessed(parts, attachment, place, made[place], result)
        if record is not None:
            found.append(record)
        left = [one for one in left if one is not record]
    return found


def _guessed(
    parts: Parts, attachment: Attachment, place: int, interface: str, result: AttachResult
) -> Record | None:
    """A record of what was attached but is not noted; None where nothing was, or can be told.

    Everything is noted before it is done, so without a result either nothing was done, or
    all notes are lost.
    """
    from .attach import record_of

    request = attachment.networks[place]
    try:
        network = parts.network(request.network)
    except (NoSuchNetwork, NetworkError):
        return None
    have = [one.interface for one in result.interfaces if one.network == network.name]
    if not have and os.path.isdir(parts.cache.directory):
        return None
    ports = (result.ports or attachment.ports) if network.has("portMappings") else ()
    chosen = request.interface or (have[0] if have else interface)
    record = record_of(attachment, place, network, chosen, ports)
    return record.replace(result=result.raw.get(chosen, {}), inode=0)


def delete(parts: Parts, record: Record) -> None:
    """DEL one interface, with or without its namespace. Raises NetworkError."""
    chain = parts.chain(record)
    with parts.host.rules(alone=chain.is_done_here()):
        chain.delete(record.attached_to())
    parts.cache.remove(record.container, record.interface)
    parts.names.update(record)


def forget(parts: Parts, records: Iterable[Record]) -> int:
    """DEL all of these and give back their ports; says how many went. Raises the first error."""
    failure: NetworkError | None = None
    gone = 0
    for record in records:
        try:
            with parts.held(record.container):
                delete(parts, record)
                parts.ports.release([record.container])
            gone += 1
        except NetworkError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return gone


def forget_dead(parts: Parts) -> bool:
    """Free the addresses of attachments whose namespace is gone (by a reboot, or a crash)."""
    try:
        return forget(parts, [one for one in parts.cache.all() if not one.attached_to()]) > 0
    except NetworkError:
        return False
