"""Container events for GetContainerEvents: told to who listens now, kept nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from ..proto import api_pb2 as cri
from ..telemetry.observer import Observer

LOG = logging.getLogger("rundlet.cri")
WAITING = 1000  # events that a listener may be behind, as in CRI-O


class Events:
    """A queue for each listener. One that does not read loses its stream, not our memory."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._listeners: set[asyncio.Queue[cri.ContainerEventResponse | None]] = set()

    @property
    def heard(self) -> bool:
        """Whether anybody listens: else no event need be made."""
        return bool(self._listeners)

    def tell(self, event: cri.ContainerEventResponse) -> None:
        """Give an event to all listeners."""
        for queue in list(self._listeners):
            if queue.qsize() >= WAITING:
                LOG.warning("a listener of events does not read: it is cut off")
                self._observer.event_dropped()
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def listen(self) -> AsyncIterator[cri.ContainerEventResponse]:
        """Events from now on, until the listener is cut off or goes."""
        queue: asyncio.Queue[cri.ContainerEventResponse | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End all streams."""
        for queue in self._listeners:
            queue.put_nowait(None)
        self._listeners.clear()
