"""What all services of one server share."""

from __future__ import annotations

from collections.abc import Callable

from rundlet.core import Engine
from rundlet.core.errors import NotSupported, SettingsError

from ..config.model import Config
from ..config.setup import NodeEngine, Setup, reloaded
from ..telemetry.observer import observer
from .events import Events
from .kept import Kept
from .work import Workers

Load = Callable[[], Setup]


class Node:
    """One server's state in memory: none of it is needed after a crash.

    load: reads the configuration; called again by `reload`.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self.workers = Workers(load())
        self.observer = observer(self.config)
        self.events = Events(self.observer)
        self.kept = Kept(self.workers)

    @property
    def config(self) -> Config:
        return self.workers.setup.config

    def require(self, *switches: str) -> None:
        """Raises NotSupported for a switch of the configuration, by its path, that is off."""
        for path in switches:
            if not self.config.flag(path):
                raise NotSupported(f"this is switched off by {path}")

    async def reload(self) -> list[str] | None:
        """Read the configuration again: what is begun from now on has the new one.

        Returns the keys that wait for the next start; None when nothing has changed. Raises
        SettingsError with the reason why it is refused; all is as before then.
        """
        old = self.workers.setup
        new, waiting = await self.workers.run(lambda _: reloaded(old, self._load()))
        if _same(old, new):
            return waiting or None
        await self.workers.run(_check, new)
        self.workers.setup = new
        return waiting


def _same(old: Setup, new: Setup) -> bool:
    return old.settings == new.settings and old.config.replace(said={}, files=()) == (
        new.config.replace(said={}, files=())
    )


def _check(_: Engine, new: Setup) -> None:
    """A default runtime that does not work would fail every pod. Raises SettingsError."""
    if not new.settings.runtime:
        return
    with NodeEngine(new) as engine:
        probe = engine.plugins.choose_runtime().probe()
    if not probe.works:
        where = new.config.said.get("crio.runtime.default_runtime", "crio.runtime.default_runtime")
        raise SettingsError(
            f"{where}: runtime {new.settings.runtime!r} does not work here: {probe.reason}"
        )
