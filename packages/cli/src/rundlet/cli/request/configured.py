"""Flags of `run` and `create` that containers.conf gives other defaults (containers.conf(5))."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Parsed
    from rundlet.core.settings.snapshot import Settings

_OWN = ("private", "bridge", "default")


def configured(arguments: Parsed, settings: Settings) -> Parsed:
    """The words, with what the settings say where nothing was typed; lists are put in front."""
    if not settings.run_flags:
        return arguments
    values = dict(arguments.values)
    for name, value in settings.run_flags.items():
        if isinstance(value, (list, tuple)):
            values[name] = (*value, *arguments.texts(name))
        elif name not in arguments.given:
            values[name] = _network(str(value)) if name == "network" else value
    return type(arguments)(values, arguments.arguments, arguments.given)


def _network(mode: str) -> tuple[str, ...]:
    """A network of its own is what a container has anyway."""
    return () if mode in _OWN else (mode,)
