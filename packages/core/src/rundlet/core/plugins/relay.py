"""pluggy, with our hook specs: imported only where a `rundlet.hooks` plugin is installed."""

from __future__ import annotations

import sys

import pluggy

from .. import hookspecs
from ..errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .index import EntryPoint


def relay(entries: Iterable[EntryPoint]) -> pluggy.PluginManager:
    """A plugin manager with all listeners; one that is broken is left out and named."""
    from .manager import broken, load

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for entry in entries:
        try:
            manager.register(load(entry), name=entry.name)
        except PluginError as error:
            _warn(error)
        except (ValueError, pluggy.PluginValidationError) as error:
            _warn(broken(entry, str(error)))
    return manager


def _warn(error: PluginError) -> None:
    sys.stderr.write(f"WARN[0000] skipped: {error.message}\n")
