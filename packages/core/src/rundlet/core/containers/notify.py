"""Telling others what happened to a container: an event row and the lifecycle hooks."""

from __future__ import annotations

from .. import json
from ..state import events as event_log
from ..views import ContainerView
from .paths import Paths
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.containers import Container


def view(engine: Engine, row: Container, pid: int = 0) -> ContainerView:
    """A container as hooks see it."""
    return ContainerView(
        id=row.id,
        name=row.name,
        image=row.image_name or row.image,
        runtime=row.runtime,
        pid=pid or row.pid,
        labels=json.loads(row.labels),
        annotations=request_of(row.request).annotations,
        bundle=Paths(engine, row.id).bundle,
    )


def event(engine: Engine, row: Container, action: str, **attributes: str) -> None:
    """Add a line to `rundlet events`: a container's, with podman's attribute names."""
    event_log.note(
        engine.database,
        "container",
        action,
        row.id,
        row.name,
        {"image": row.image_name, **json.loads(row.labels), **attributes},
        engine.plugins,
    )


def events(engine: Engine, row: Container, actions: Sequence[str]) -> None:
    """Add a line for each action, all at once."""
    with engine.database.transaction():
        for action in actions:
            event(engine, row, action)


def network_event(engine: Engine, row: Container, action: str, network: str) -> None:
    """Add the line of a network that a container joined or left: its id and name are told."""
    note = {"network": network}
    event_log.note(engine.database, "network", action, row.id, row.name, note, engine.plugins)


def listeners(engine: Engine) -> bool:
    """Whether any hook plugin is installed (views cost something to make)."""
    return bool(engine.plugins.available("hooks"))
