"""Limits of a container are changed, also while it runs (podman-update(1))."""

from __future__ import annotations

import json

from ..cgroups.layout import layout
from ..spec.host import here
from ..spec.plan import SpecPlan
from ..spec.resources import resources
from ..state import containers as rows
from . import bundle, notify
from .paths import Paths
from .restart import policy
from .state import derive, has_process
from .stored import request_of, request_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine
    from ..state.containers import Container


def update(engine: Engine, row: Container, restart: str = "", **limits: Any) -> Container:
    """Change fields of Resources, and the restart policy; the rest stays.

    Raises InvalidArgument for limits that contradict each other or what was set before,
    RuntimeFailed when the runtime refuses them; nothing is changed then.
    """
    policy(restart)
    with engine.locks.hold("container", row.id):
        row = derive(engine, rows.find(engine.database, row.id))
        request = request_of(row.request)
        changed = request.replace(
            resources=request.resources.replace(**limits), restart=restart or request.restart
        )
        warnings: list[str] = []
        plan = SpecPlan(
            request=changed,
            container=row.id,
            name=row.name,
            rootfs="/",
            image={},
            settings=engine.settings,
            layout=layout(engine.settings.cgroup_manager),
            host=here(),
        )
        wanted = resources(plan, warnings)
        wanted.pop("devices", None)  # those are not changed here
        if has_process(row) and limits:
            engine.plugins.runtime(row.runtime).update(row.id, wanted)
            _note_in_bundle(engine, row, wanted)
        rows.update(engine.database, row.id, request=request_text(changed))
        notify.event(engine, row, "update")
    bundle.warn(tuple(warnings))
    return row


def _note_in_bundle(engine: Engine, row: Container, wanted: dict[str, Any]) -> None:
    """What `inspect` shows of a running container is its bundle."""
    paths = Paths(engine, row.id)
    with open(paths.config, encoding="utf-8") as file:
        spec = json.load(file)
    current = spec.setdefault("linux", {}).setdefault("resources", {})
    current.update(wanted)
    bundle.store(paths, spec)
