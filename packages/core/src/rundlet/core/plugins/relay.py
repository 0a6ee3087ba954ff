"""pluggy, with our hook specs: imported only where a `rundlet.hooks` plugin is installed."""

from __future__ import annotations

import pluggy

from .. import hookspecs
from ..errors import PluginError, RundletError
from .faults import broken, load, skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from .index import EntryPoint

# Hooks whose listeners are only told: what they do wrong must not stop a container's life.
_TOLD = frozenset(
    (
        "rundlet_container_created",
        "rundlet_container_started",
        "rundlet_container_stopped",
        "rundlet_container_removed",
        "rundlet_event",
    )
)


class Relay:
    """All listeners, and the drivers made so far, registered with pluggy."""

    def __init__(self, entries: Iterable[EntryPoint]) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._listeners: dict[str, tuple[EntryPoint, object]] = {}  # by registered name
        self._drivers: list[object] = []
        # pluggy calls the last registered first; listeners are called in order of their names.
        for entry in sorted(entries, key=lambda entry: entry.name, reverse=True):
            self._register(entry)

    def _register(self, entry: EntryPoint) -> None:
        try:
            plugin = load(entry)
            name = self._manager.register(plugin, name=f"{entry.name} ({entry.distribution})")
        except PluginError as error:
            return skipped(error)
        except (ValueError, pluggy.PluginValidationError) as error:
            return skipped(broken(entry, str(error)))
        self._listeners[str(name)] = (entry, plugin)
        return None

    def make(
        self, entry: EntryPoint, plugin: object, hook: str, arguments: Mapping[str, object]
    ) -> object:
        """Call a factory of one driver's plugin; the listeners may answer first, or wrap it."""
        if not self._manager.is_registered(plugin):
            try:
                self._manager.register(plugin, name=f"{entry.group}:{entry.name}")
            except (ValueError, pluggy.PluginValidationError) as error:
                raise broken(entry, str(error)) from error
            self._drivers.append(plugin)
        others = [driver for driver in self._drivers if driver is not plugin]
        caller = self._manager.subset_hook_caller(hook, others)
        try:
            return caller(**arguments)
        except RundletError:
            raise
        except Exception as error:
            culprit = self._culprit(error.__traceback__) or entry
            raise broken(culprit, f"{hook} failed: {error!r}") from error

    def call(self, hook: str, arguments: Mapping[str, object]) -> list[object]:
        """Call all listeners of a lifecycle hook; their answers."""
        if hook in _TOLD:
            for _, plugin in reversed(self._listeners.values()):
                self._tell(plugin, hook, arguments)
            return []
        try:
            answers: list[object] = getattr(self._manager.hook, hook)(**arguments)
        except RundletError:
            raise
        except Exception as error:
            raise self._named(error, hook) from error
        return answers

    def _tell(self, plugin: object, hook: str, arguments: Mapping[str, object]) -> None:
        """One listener at a time: what is wrong with one keeps no other from being told."""
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        caller: Any = self._manager.subset_hook_caller(hook, others)
        try:
            caller(**arguments)
        except Exception as error:
            skipped(self._named(error, hook))

    def _named(self, error: Exception, hook: str) -> PluginError:
        culprit = self._culprit(error.__traceback__)
        if culprit is None:
            return PluginError(f"{hook} failed in one of {', '.join(self._listeners)}: {error!r}")
        return broken(culprit, f"{hook} failed: {error!r}")

    def _culprit(self, trace: TracebackType | None) -> EntryPoint | None:
        """The listener in whose module an error came up: pluggy does not tell."""
        modules = {
            getattr(plugin, "__name__", type(plugin).__module__): entry
            for entry, plugin in self._listeners.values()
        }
        found = None
        while trace is not None:
            found = modules.get(trace.tb_frame.f_globals.get("__name__", "")) or found
            trace = trace.tb_next
        return found
