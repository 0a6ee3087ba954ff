"""What nothing needs any more is removed: layers, blobs, what killed processes left half done.

Many at a time: one transaction finds out what nothing needs and takes it away. Whoever wants a
layer or a blob leases it in a transaction of his own, before he looks whether it is there: so he
is first, and it stays, or he finds it gone.
"""

from __future__ import annotations

import os

from ..state import layers as rows
from ..state import leases
from .staging import delete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from .homes import LayerHomes

_AT_ONCE = 100
"""Blobs of one transaction: others wait for its end to write anything."""


def collect(engine: Engine, homes: LayerHomes | None) -> None:
    """See `Layers.collect`. homes: None where no storage driver was chosen yet."""
    _clear_dead(engine, homes)
    if homes is not None:
        _drop_layers(engine, homes)
    while _drop_blobs(engine):
        pass
    if homes is not None:
        homes.collect()


def collect_partial(engine: Engine, homes: LayerHomes) -> None:
    """See `Layers.collect_partial`."""
    for orphan in leases.dead(engine.database):
        if orphan.kind == "file":
            _delete_file(engine, orphan.object)
            leases.forget(engine.database, orphan)
    homes.collect()


def _clear_dead(engine: Engine, homes: LayerHomes | None) -> None:
    """Undo what the leases of dead processes tell of."""
    for orphan in leases.dead(engine.database):
        if orphan.kind == "layer" and homes is not None:
            if not _drop_half_made(engine, homes, orphan.object):
                continue
        elif orphan.kind == "file":
            _delete_file(engine, orphan.object)
        leases.forget(engine.database, orphan)


def _delete_file(engine: Engine, name: str) -> None:
    for directory in engine.blobs.files.temporaries:
        delete(os.path.join(directory, os.path.basename(name)))


def _drop_half_made(engine: Engine, homes: LayerHomes, layer: str) -> bool:
    """Remove a layer without a row, unless somebody makes it now. False: it has to wait."""
    with engine.database.transaction():
        held = leases.held(engine.database, "layer")
        if layer not in held and engine.layers.get(layer) is None:
            return homes.discard(layer)
        return True


def _drop_layers(engine: Engine, homes: LayerHomes) -> None:
    database = engine.database
    if not rows.unused(database):
        return
    with database.transaction():
        for layer in rows.unused(database):
            # First: after a kill here there is a row without a layer, which nothing needs.
            if not homes.discard(layer):
                return  # those below it come after it
            rows.delete(database, layer)


def _drop_blobs(engine: Engine) -> bool:
    """Remove some that nothing needs; whether there may be more."""
    database = engine.database
    if not rows.unused_blobs(database):
        return False
    with database.transaction():
        found = rows.unused_blobs(database)
        return engine.blobs.drop(found[:_AT_ONCE]) and len(found) > _AT_ONCE
