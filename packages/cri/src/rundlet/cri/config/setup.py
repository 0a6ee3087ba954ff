"""What a server, or a command beside it, runs with: the engine's settings and its own."""

from __future__ import annotations

import os

from rundlet.core.commands.context import Parsed
from rundlet.core.engine import Engine
from rundlet.core.settings.load import load as load_settings
from rundlet.core.settings.snapshot import Settings
from rundlet.core.value import Value

from . import load
from .apply import settings
from .keys import KEYS
from .model import Config, defaults


class Setup(Value):
    """base: of rundlet.toml and its kin. config: of crio.conf, flags and variables.

    settings: the engine's, which are made of both.
    """

    base: Settings
    config: Config
    settings: Settings


def make(base: Settings, config: Config) -> Setup:
    """Raises SettingsError when the two do not fit."""
    return Setup(base, config, settings(base, config))


class NodeEngine(Engine):
    """An engine for pods: it knows the configuration that is none of the engine's settings."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup.settings)
        self.setup = setup


def config_of(engine: Engine) -> Config:
    """The configuration that pods on this engine are made with."""
    return engine.setup.config if isinstance(engine, NodeEngine) else defaults()


def read(options: Parsed) -> Setup:
    """Read everything (crio.conf, flags, variables, rundlet.toml). Raises SettingsError."""
    config = load.load(options)
    base = load_settings(apart=True)
    registries = str(load.other(options, os.environ, "registries-conf") or "")
    return make(
        base.replace(
            registries_conf=registries or base.registries_conf,
            runtime=options.text("runtime") or base.runtime,
        ),
        config,
    )


_PLACES = ("graph_root", "run_root", "temporary", "storage_driver", "storage_options")


def reloaded(old: Setup, new: Setup) -> tuple[Setup, list[str]]:
    """`new` as far as a server that runs can take it over, and the keys that wait for a start.

    Raises SettingsError.
    """
    waiting = [
        key for key in KEYS
        if not key.live and new.config.values[key.path] != old.config.values[key.path]
    ]  # fmt: skip
    kept = {key.path: old.config.values[key.path] for key in KEYS if not key.live}
    base = new.base.replace(**{name: getattr(old.base, name) for name in _PLACES})
    said = {path: where for path, where in new.config.said.items() if path not in kept}
    said |= {path: where for path, where in old.config.said.items() if path in kept}
    config = new.config.replace(values={**new.config.values, **kept}, said=said)
    return make(base, config), [key.path for key in waiting]
