"""Whether pods have a network: told when it changes, and not at the first failure."""

from __future__ import annotations

import asyncio
import logging
import os
import time

from rundlet.core import Engine

from ..conditions import Condition, network
from ..server import reload
from ..server.node import Node

LOG = logging.getLogger("rundlet.cri")


class NetworkState:
    """What was last seen of the network. Threads of the workers ask.

    changed: set in the loop when its definitions, or the configuration, may have changed.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._ready = -1.0
        self._before = ""

    def condition(self, engine: Engine, grace: float) -> Condition:
        """NetworkReady, now. A network that was ready counts as ready for `grace` seconds after
        it failed: plugins are upgraded while pods run (cni_status_grace_period).
        """
        found = network(engine)
        now = time.monotonic()
        self._say(found)
        if found.status:
            self._ready = now
        elif self._ready >= 0 and now - self._ready < grace:
            return Condition(found.type, True)
        return found

    def _say(self, found: Condition) -> None:
        words = "ready" if found.status else f"not ready: {found.message}"
        if words != self._before:
            self._before = words
            LOG.log(logging.INFO if found.status else logging.WARNING, "the network is %s", words)


async def watch(node: Node, state: NetworkState) -> None:
    """Look at the network when its definitions or plugins change, until cancelled."""
    while True:
        settings = node.workers.setup.settings
        places = {_there(place) for place in settings.network_config_dirs}
        places |= {place for place in settings.network_plugin_dirs if os.path.isdir(place)}
        watching = asyncio.ensure_future(reload.watch(places, state.changed.set))
        try:
            await asyncio.sleep(0)  # it watches before anybody looks: no change is missed
            await node.workers.run(state.condition, 0.0)
            await state.changed.wait()
            state.changed.clear()
        finally:
            watching.cancel()


def _there(place: str) -> str:
    """A directory, or the nearest one above it that is there: where it will be made."""
    place = os.path.abspath(place)
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    return place
