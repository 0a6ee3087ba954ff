"""The settings of a command, for the processes of ours that go on with its work.

The exit command and companions (companion.py) work with the settings of the command that began
the container, flags and variables included (`--network-config-dir`, `--storage-opt`,
STORAGE_DRIVER): a restart would not find its network without them.
"""

from __future__ import annotations

import os
from types import MappingProxyType

from .. import json
from ..engine import Engine
from ..settings.snapshot import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VARIABLE = "RUNDLET_SETTINGS"


def environment(engine: Engine) -> dict[str, str]:
    """The variable that tells a helper what differs from the built-in defaults, as JSON."""
    defaults = Settings().as_dict()
    said = {
        name: value for name, value in engine.settings.as_dict().items() if value != defaults[name]
    }
    return {_VARIABLE: json.dumps(said, separators=(",", ":"), default=_plain)}


def engine(root: str, runroot: str) -> Engine:
    """A helper's engine, by that variable; by the machine's settings where there is none.

    Raises SettingsError.
    """
    text = os.environ.get(_VARIABLE)
    if not text:
        return Engine(root=root, runroot=runroot)
    said: dict[str, Any] = json.loads(text)
    known = Settings()
    return Engine(
        known.replace(**{name: _frozen(said[name]) for name in said if hasattr(known, name)})
    )


def _plain(value: object) -> object:
    """Of what JSON has no form for: views of mappings, and dates in plugins' tables."""
    return dict(value) if isinstance(value, MappingProxyType) else str(value)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
