"""pluggy, with our hook specs: imported only where a `rundlet.hooks` plugin is installed."""

from __future__ import annotations

import copy
import json
import time

import pluggy

from .. import hookspecs
from ..errors import PluginError, RundletError
from ..value import EMPTY, Value
from .faults import broken, load, skipped
from .limits import Limits, bounded, limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from ..views import ImageView
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
_ADMIT = "rundlet_admit_image"
_SPEC = "rundlet_container_spec"


class Verdict(Value):
    """What one admission hook says. took: seconds. failed: it gave no answer, by its own fault."""

    plugin: str
    distribution: str
    allowed: bool
    reason: str
    took: float
    failed: bool = False


class Listener(Value):
    """One hooks plugin: where it is from, what was imported, how it is treated."""

    entry: EntryPoint
    plugin: object
    limits: Limits


class Relay:
    """All listeners, and the drivers made so far, registered with pluggy.

    tables: of the settings, by the plugins' names (`limits`). Raises SettingsError.
    """

    def __init__(
        self, entries: Iterable[EntryPoint], tables: Mapping[str, Mapping[str, Any]] = EMPTY
    ) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._listeners: dict[str, Listener] = {}  # by registered name
        self._missing: dict[EntryPoint, PluginError] = {}  # those that must not be left out
        self._drivers: list[object] = []
        # pluggy calls the last registered first; listeners are called in order of their names.
        for entry in sorted(entries, key=lambda entry: entry.name, reverse=True):
            self._register(entry, limits(entry.name, tables.get(entry.name, {})))

    def _register(self, entry: EntryPoint, limited: Limits) -> None:
        try:
            plugin = load(entry)
            name = self._manager.register(plugin, name=f"{entry.name} ({entry.distribution})")
        except PluginError as error:
            return self._left_out(entry, limited, error)
        except (ValueError, pluggy.PluginValidationError) as error:
            return self._left_out(entry, limited, broken(entry, str(error)))
        self._listeners[str(name)] = Listener(entry, plugin, limited)
        return None

    def _left_out(self, entry: EntryPoint, limited: Limits, error: PluginError) -> None:
        if limited.needed:
            self._missing[entry] = error
        else:
            skipped(error)

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
        except Exception as error:  # a plugin's
            culprit = self._culprit(error.__traceback__) or entry
            raise broken(culprit, f"{hook} failed: {error!r}") from error

    def call(self, hook: str, arguments: Mapping[str, Any]) -> list[object]:
        """Call all listeners of a lifecycle hook, one after another; their answers."""
        answers = []
        for error in self._missing.values():
            if hook not in _TOLD:
                raise error
            skipped(error)
        for listener in self._of(hook):
            try:
                answer = self._ask(listener, hook, arguments)
            except RundletError as error:
                failed = isinstance(error, PluginError)
                if hook not in _TOLD and not (failed and listener.limits.open):
                    raise
                skipped(error)
                continue
            if answer is not None:
                answers.append(answer)
        return answers

    def verdicts(self, image: ImageView, action: str) -> list[Verdict]:
        """What each admission hook says, also after one has said no. Raises nothing."""
        found = [
            Verdict(one.name, f"{one.distribution} {one.version}", False, error.message, 0.0, True)
            for one, error in self._missing.items()
        ]
        for listener in self._of(_ADMIT):
            begun = time.monotonic()
            failed = False
            try:
                answer = self._ask(listener, _ADMIT, {"image": image, "action": action})
                allowed, reason = not answer, str(answer or "")
            except RundletError as error:
                failed = isinstance(error, PluginError)
                allowed, reason = failed and listener.limits.open, error.message
            took = time.monotonic() - begun
            entry = listener.entry
            place = f"{entry.distribution} {entry.version}"
            found.append(Verdict(entry.name, place, allowed, reason, took, failed))
        return found

    def _of(self, hook: str) -> list[Listener]:
        """The listeners of a hook, in pluggy's order of calling."""
        by_plugin = {id(one.plugin): one for one in self._listeners.values()}
        implementations = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return [by_plugin[id(one.plugin)] for one in implementations if id(one.plugin) in by_plugin]

    def _ask(self, listener: Listener, hook: str, arguments: Mapping[str, Any]) -> object:
        """One listener's answer, in its time. Raises PluginError naming it."""
        mine = dict(arguments)
        if hook == _SPEC:
            # A copy: one that fails half way or goes on after its time changes nothing.
            mine["spec"] = copy.deepcopy(arguments["spec"])
        answer = self._in_time(listener, hook, mine)
        if hook == _ADMIT and not (answer is None or isinstance(answer, str)):
            raise broken(listener.entry, f"{hook} answered {answer!r}: neither None nor a reason")
        if hook == _SPEC:
            _take_over(listener.entry, arguments["spec"], mine["spec"])
            return None
        return answer

    def _in_time(self, listener: Listener, hook: str, arguments: dict[str, Any]) -> object:
        caller = self._caller(listener, hook)
        try:
            answers = bounded(lambda: caller(**arguments), listener.limits.timeout)
        except (KeyboardInterrupt, MemoryError, RundletError):
            raise
        except TimeoutError as error:
            raise broken(listener.entry, f"{hook}: {error}") from error
        except BaseException as error:  # SystemExit too: a plugin must not end its user
            raise broken(listener.entry, f"{hook} failed: {error!r}") from error
        return answers[0] if isinstance(answers, list) and answers else None

    def _caller(self, listener: Listener, hook: str) -> Callable[..., object]:
        others = [one for one in self._manager.get_plugins() if one is not listener.plugin]
        caller: Callable[..., object] = self._manager.subset_hook_caller(hook, others)
        return caller

    def _culprit(self, trace: TracebackType | None) -> EntryPoint | None:
        """The listener in whose module an error came up: pluggy does not tell."""
        modules = {
            getattr(one.plugin, "__name__", type(one.plugin).__module__): one.entry
            for one in self._listeners.values()
        }
        found = None
        while trace is not None:
            found = modules.get(trace.tb_frame.f_globals.get("__name__", "")) or found
            trace = trace.tb_next
        return found


def _take_over(entry: EntryPoint, spec: dict[str, Any], changed: Any) -> None:
    """Put a changed spec in place of the first. Raises PluginError when it is none."""
    missing = [key for key in spec if key not in changed]
    if missing:
        raise broken(entry, f"{_SPEC} took {', '.join(missing)} out of the spec")
    try:
        json.dumps(changed)
    except (TypeError, ValueError) as error:
        raise broken(entry, f"{_SPEC} made a spec that is no JSON: {error}") from error
    spec.clear()
    spec.update(changed)
