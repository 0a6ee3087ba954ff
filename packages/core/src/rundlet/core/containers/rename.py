"""A container gets another name."""

from __future__ import annotations

import sqlite3

from ..errors import InvalidArgument
from ..state import containers as rows
from . import names, notify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


def rename(engine: Engine, row: Container, name: str) -> Container:
    """Raises InvalidArgument for a bad name, AlreadyExists for one that is taken."""
    if not name:
        raise InvalidArgument("the new name is empty")
    names.check(name)
    try:
        rows.update(engine.database, row.id, name=name)
    except sqlite3.IntegrityError:
        raise rows.taken(engine.database, name) from None
    renamed = row.replace(name=name)
    notify.event(engine, renamed, "rename", oldName=row.name)
    return renamed
