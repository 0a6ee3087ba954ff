"""Removing a volume: its row and its content at once, or nothing."""

from __future__ import annotations

import os

from ..errors import InUse, NoSuchVolume
from ..linux.mounts import detach_below
from ..state import volumes as rows
from .notify import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


def remove(engine: Engine, name: str) -> None:
    """Remove the volume of a whole name. Raises InUse, NoSuchVolume; nothing has changed then."""
    from ..storage.staging import delete

    with engine.locks.hold("volume", name):
        doomed = f"volume-{os.urandom(8).hex()}"
        engine.leases.hold("file", (doomed,))
        with engine.database.transaction():
            if rows.users(engine.database, name):
                raise InUse(f"volume {name} is being used: volume is being used")
            volume = rows.get(engine.database, name)
            if volume is None:
                raise NoSuchVolume(name)
            rows.delete(engine.database, name)
            if volume.layer:
                engine.leases.hold("layer", (volume.layer,))
            event(engine, "remove", volume)
            # In here: a kill leaves the volume, or at worst an empty one, never stale content.
            # What is mounted in it, by us or by others, is not the volume's to delete.
            directory = os.path.join(engine.volumes.directory, name)
            detach_below(directory, itself=False)
            _move_away(directory, engine.blobs.temporary, doomed)
        delete(os.path.join(engine.blobs.temporary, doomed))
        engine.leases.drop("file", doomed)
        if volume.layer:
            engine.layers.unmount(volume.layer)
            engine.layers.remove(volume.layer)
            engine.leases.drop("layer", volume.layer)


def _move_away(directory: str, temporary: str, doomed: str) -> None:
    os.makedirs(temporary, mode=0o700, exist_ok=True)
    try:
        os.rename(directory, os.path.join(temporary, doomed))
    except FileNotFoundError:
        pass
