"""Flags of `run` and `create` that the settings give other defaults (containers.conf(5))."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Parsed
    from rundlet.core.settings.snapshot import Settings

_OWN = ("private", "bridge", "default")


def configured(arguments: Parsed, settings: Settings) -> Parsed:
    """The words, with what the settings say where nothing was typed; lists are put in front."""
    flags = _flags(settings)
    if not flags:
        return arguments
    values = dict(arguments.values)
    for name, value in flags.items():
        if isinstance(value, (list, tuple)):
            if name == "log-opt":
                value = _log_options(arguments, settings, value)
            values[name] = (*value, *arguments.texts(name))
        elif name not in arguments.given:
            values[name] = _network(str(value)) if name == "network" else value
    return type(arguments)(values, arguments.arguments, arguments.given)


def _flags(settings: Settings) -> dict[str, Any]:
    """Those with a setting of their own, too."""
    flags = dict(settings.run_flags)
    if settings.init:
        flags["init"] = True
    if settings.volumes:
        flags["volume"] = settings.volumes
    return flags


def _log_options(
    arguments: Parsed, settings: Settings, words: list[str] | tuple[str, ...]
) -> list[str]:
    """Without a tag where the log is a file: conmon refuses it there."""
    driver = arguments.text("log-driver") or settings.log_driver
    return [word for word in words if not word.startswith("tag=") or driver == "journald"]


def _network(mode: str) -> tuple[str, ...]:
    """A network of its own is what a container has anyway."""
    return () if mode in _OWN else (mode,)
