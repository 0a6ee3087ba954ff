"""What all services of one server share."""

from __future__ import annotations

from collections.abc import Callable

from rundlet.core.settings.snapshot import Settings

from .events import Events
from .options import Options, combined
from .work import Workers

Load = Callable[[], tuple[Settings, Options]]


class Node:
    """One server's state in memory: none of it is needed after a crash.

    load: reads the configuration; called again by `reload`.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        settings, self.options = load()
        self.workers = Workers(combined(settings, self.options))
        self.events = Events()

    def reload(self) -> None:
        """Read the configuration again: what is begun from now on has the new one.

        Raises SettingsError; all is as before then. Paths and addresses stay as they are.
        """
        settings, options = self._load()
        now = self.workers.settings
        changed = combined(settings, options)
        self.workers.settings = changed.replace(graph_root=now.graph_root, run_root=now.run_root)
        self.options = options.replace(
            listen=self.options.listen,
            stream_address=self.options.stream_address,
            stream_port=self.options.stream_port,
            stream_certificate=self.options.stream_certificate,
            stream_key=self.options.stream_key,
        )
