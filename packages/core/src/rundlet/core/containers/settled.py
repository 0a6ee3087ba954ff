"""What the settings said of every container when one was created: its, however they change.

podman has made the whole spec by then. Kept with the container is what differs from the built-in
defaults; containers.conf(5) is often empty.
"""

from __future__ import annotations

from .. import json
from ..settings.snapshot import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine
    from ..state.containers import Container

_NAMES = (
    "annotations", "default_capabilities", "default_sysctls", "default_ulimits", "environment",
    "pids_limit", "seccomp_profile", "shm_size", "umask",
)  # fmt: skip


def now(settings: Settings) -> dict[str, Any]:
    """What is to be kept with a container that is created now."""
    found = {name: getattr(settings, name) for name in _NAMES}
    return {name: value for name, value in found.items() if value != getattr(Settings, name)}


def settled(engine: Engine, row: Container) -> Settings:
    """The settings for a container: today's, but for those."""
    kept = json.loads(row.extra).get("settings", {})
    for name in _NAMES:
        value = kept.get(name, getattr(Settings, name))
        kept[name] = tuple(value) if isinstance(value, list) else value
    return engine.settings.replace(**kept)
