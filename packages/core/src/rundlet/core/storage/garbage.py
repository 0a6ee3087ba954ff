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
    from ..contracts.storage import StorageDriver
    from ..engine import Engine

_AT_ONCE = 100
"""Blobs of one transaction: others wait for its end to write anything."""


def collect(engine: Engine, driver: StorageDriver | None) -> None:
    """See `Layers.collect`. driver: the store's, None where none was chosen yet."""
    _clear_dead(engine, driver)
    if driver is not None:
        _drop_layers(engine, driver)
    while _drop_blobs(engine):
        pass
    if driver is not None:
        driver.collect()


def _clear_dead(engine: Engine, driver: StorageDriver | None) -> None:
    """Undo what the leases of dead processes tell of."""
    for orphan in leases.dead(engine.database):
        if orphan.kind == "layer" and driver is not None:
            _drop_half_made(engine, driver, orphan.object)
        elif orphan.kind == "file":
            delete(os.path.join(engine.blobs.temporary, os.path.basename(orphan.object)))
        leases.forget(engine.database, orphan)


def _drop_half_made(engine: Engine, driver: StorageDriver, layer: str) -> None:
    """Remove a layer without a row, unless somebody makes it now."""
    with engine.database.transaction():
        held = leases.held(engine.database, "layer")
        if layer not in held and engine.layers.get(layer) is None:
            driver.discard(layer)


def _drop_layers(engine: Engine, driver: StorageDriver) -> None:
    database = engine.database
    if not rows.unused(database):
        return
    with database.transaction():
        for layer in rows.unused(database):
            # First: after a kill here there is a row without a layer, which nothing needs.
            driver.discard(layer)
            rows.delete(database, layer)


def _drop_blobs(engine: Engine) -> bool:
    """Remove some that nothing needs; whether there may be more."""
    database = engine.database
    if not rows.unused_blobs(database):
        return False
    with database.transaction():
        found = rows.unused_blobs(database)
        engine.blobs.drop(found[:_AT_ONCE])
    return len(found) > _AT_ONCE
