"""Telling others what happened to an image: the lines that `podman events` has for images.

Actions are podman's words (podman-events(1)): pull, pull-error, push, tag, untag, remove, save,
loadfromarchive, import, mount, unmount.
"""

from __future__ import annotations

from ..state import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


def event(engine: Engine, action: str, image: str, name: str = "", **attributes: str) -> None:
    """Add a line: an image's id, and the name by which it was meant."""
    events.note(engine.database, "image", action, image, name, attributes, engine.plugins)
