"""The configuration is read again: on SIGHUP, and when one of its files changes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from rundlet.core.errors import RundletError
from rundlet.core.linux.inotify import (
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    Watch,
)

from . import logs, notify
from .node import Node

LOG = logging.getLogger("rundlet.cri")
_CHANGES = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE
_SETTLE = 0.3
"""Seconds without a change before files are read: an update may be of several."""


class Reloader:
    """One reload at a time; what is asked for meanwhile is done by one more.

    told: called after the configuration has changed.
    """

    def __init__(self, node: Node, told: Callable[[], object]) -> None:
        self._node = node
        self._told = told
        self._wanted = asyncio.Event()
        self._signalled = False

    def signalled(self) -> None:
        """SIGHUP: systemd waits for an answer, changed or not."""
        notify.reloading()
        self._signalled = True
        self._wanted.set()

    def changed(self) -> None:
        """A file has changed."""
        self._wanted.set()

    async def run(self) -> None:
        """Read again whenever it is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            signalled, self._signalled = self._signalled, False
            await self._reload(said=signalled)
            if signalled:
                notify.notify("READY=1")

    async def _reload(self, *, said: bool) -> None:
        try:
            waiting = await self._node.reload()
        except RundletError as error:
            LOG.error("the configuration stays as it was: %s", error)
            return
        if waiting is None:
            if said:
                LOG.info("configuration read again: nothing has changed")
            return
        logs.change(self._node.config)
        self._told()
        LOG.info("configuration read again")
        for path in waiting:
            LOG.warning("%s has changed: it takes effect at the next start", path)


async def watch(places: Iterable[str], told: Callable[[], object]) -> None:
    """Call `told` some time after files in these directories change, until cancelled.

    A directory that is not there is not watched: SIGHUP is what is left then.
    """
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    with ExitStack() as open_:
        for place in sorted(set(places)):
            try:
                seen = open_.enter_context(Watch(place, _CHANGES))
            except OSError:
                continue

            def drain(seen: Watch = seen) -> None:
                if any(_counts(name) for name in seen.drain()):
                    changed.set()

            loop.add_reader(seen.fileno(), drain)
            open_.callback(loop.remove_reader, seen.fileno())
        while True:
            await changed.wait()
            await _settled(changed)
            told()


def _counts(name: str) -> bool:
    """Not hidden files, nor locks: podman writes its cni.lock at every network of a container."""
    return not name.startswith(".") and not name.endswith(".lock")


async def _settled(changed: asyncio.Event) -> None:
    while changed.is_set():
        changed.clear()
        await asyncio.sleep(_SETTLE)


def directories(places: Iterable[str]) -> set[str]:
    """Where changes of these files and of all below these directories are seen."""
    found = set()
    for place in places:
        if os.path.isdir(place):
            found |= {base for base, _, _ in os.walk(place)}
        found.add(os.path.dirname(place.rstrip("/")))
    return {place for place in found if place and os.path.isdir(place)}
