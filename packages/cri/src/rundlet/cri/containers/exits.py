"""Exits are noticed by the directory of exit files: no process and no polling for each."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

from rundlet.core.errors import RundletError
from rundlet.core.linux.inotify import IN_CREATE, IN_MOVED_TO, Watch

from ..server.work import Workers
from . import life

Told = Callable[[str, str], Awaitable[None]]
"""What is called with the ids of a container that ended and of its pod."""

LOG = logging.getLogger("rundlet.cri")


async def watch(workers: Workers, told: Told) -> None:
    """Clean up after containers as they end, and say so, until cancelled.

    Those that ended while no server ran come first.
    """
    directory = f"{workers.setup.settings.run_root}/exits"
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with Watch(directory, IN_CREATE | IN_MOVED_TO) as exits:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        names = await workers.run(life.live)

        def wake() -> None:
            names.update(exits.drain())
            changed.set()

        loop.add_reader(exits.fileno(), wake)
        try:
            while True:
                batch = set(names)
                names.clear()
                await _clean(workers, batch, told)
                await changed.wait()
                changed.clear()
        finally:
            loop.remove_reader(exits.fileno())


async def _clean(workers: Workers, batch: set[str], told: Told) -> None:
    for name in batch:
        try:
            pod = await workers.run(life.ended, name)
            if pod:
                await told(name, pod)
        except RundletError as error:
            LOG.error("container %s: %s", name, error)  # StopContainer tries it again
        except OSError:
            LOG.exception("container %s", name)
