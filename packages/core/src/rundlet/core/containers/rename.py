"""A container gets another name."""

from __future__ import annotations

import sqlite3

from ..errors import InvalidArgument
from ..state import containers as rows
from . import names, notify
from .stored import network_of, network_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


def rename(engine: Engine, row: Container, name: str) -> Container:
    """Raises InvalidArgument for a bad name, AlreadyExists for one that is taken, NetworkError."""
    if not name:
        raise InvalidArgument("the new name is empty")
    names.check(name)
    try:
        rows.update(engine.database, row.id, name=name)
    except sqlite3.IntegrityError:
        raise rows.taken(engine.database, name) from None
    if row.network:
        _tell_network(engine, row, name)
    renamed = row.replace(name=name)
    notify.event(engine, renamed, "rename", oldName=row.name)
    return renamed


def _tell_network(engine: Engine, row: Container, name: str) -> None:
    """Others on the container's networks find it by the new name from now on."""
    with engine.locks.hold("container", row.id):
        fresh = rows.by_id(engine.database, row.id)
        network = network_of(fresh.network) if fresh is not None else None
        if network is None:
            return  # it has just ended
        engine.networks.rename(network.attachment, name, network.plugin)
        told = network.replace(attachment=network.attachment.replace(name=name))
        rows.update(engine.database, row.id, network=network_text(told))
