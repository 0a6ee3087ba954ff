"""What a hooks plugin is given: so much time, and what its failure means.

[plugins.age]           # in rundlet.toml, by the name of the entry point
timeout = 2.5           # seconds; 10 unless said
on_failure = "open"     # or "closed", the default: a failed admission denies; said aloud, so
                        # does a plugin that cannot be imported, which is else left out
"""

from __future__ import annotations

import threading

from ..errors import SettingsError
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

TIMEOUT = 10.0
"""Seconds for one call of one hook."""


class Limits(Value):
    """How one plugin is to be treated. timeout: seconds. needed: nothing goes on without it."""

    timeout: float = TIMEOUT
    open: bool = False
    needed: bool = False


def limits(name: str, table: Mapping[str, Any]) -> Limits:
    """Those of a plugin, from its table in the settings. Raises SettingsError."""
    timeout = table.get("timeout", TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        raise SettingsError(f"plugins.{name}.timeout: {timeout!r} is no number of seconds above 0")
    mode = table.get("on_failure", "closed")
    if mode not in ("open", "closed"):
        raise SettingsError(f'plugins.{name}.on_failure: {mode!r} is neither "open" nor "closed"')
    return Limits(float(timeout), mode == "open", table.get("on_failure") == "closed")


def bounded(function: Callable[[], object], seconds: float) -> object:
    """Call it; raises TimeoutError when it does not return in time, else what it raises.

    It runs in a thread of its own. One that hangs is left behind: it keeps no process alive.
    """
    answers: list[object] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            answers.append(function())
        except BaseException as error:  # also SystemExit: a plugin must not end its user
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    if errors:
        raise errors[0]
    raise TimeoutError(f"no answer in {seconds:g} s")
