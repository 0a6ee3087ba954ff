"""Telling others what happened to a volume: the lines that `podman events` has for volumes."""

from __future__ import annotations

from ..state import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.volumes import Volume


def event(engine: Engine, action: str, volume: Volume) -> None:
    """Add a line, with the volume's labels as podman 6. action: create, remove, prune."""
    name, labels = volume.name, volume.labels
    events.note(engine.database, "volume", action, name, name, labels, engine.plugins)
