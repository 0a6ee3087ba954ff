"""Waiting for many descriptors at once, and for times: one poll(2)."""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ = select.POLLIN
WRITE = select.POLLOUT


class Loop:
    """Calls what was given for a descriptor when that is ready, or hung up."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def watch(self, descriptor: int, events: int, callback: Callable[[int], None]) -> None:
        """callback(events): of poll(2). Again for the same descriptor: other events."""
        self._callbacks[descriptor] = callback
        self._poll.register(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Before the descriptor is closed; one that is not watched is no error."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call once, later."""
        self._timers.append((time.monotonic() + seconds, callback))

    def turn(self, timeout: float | None = None) -> None:
        """Wait for something to do, at most `timeout` seconds, and do it."""
        now = time.monotonic()
        waits = [max(0.0, when - now) for when, _ in self._timers]
        if timeout is not None:
            waits.append(timeout)
        ready = self._poll.poll(min(waits) * 1000 + 1 if waits else None)
        for descriptor, events in ready:
            callback = self._callbacks.get(descriptor)
            if callback is not None:  # not forgotten by one before it
                callback(events)
        now = time.monotonic()
        due = [timer for timer in self._timers if timer[0] <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for _, callback_of_timer in due:
            callback_of_timer()

    def until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Go on until the condition holds; False when `timeout` seconds passed first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not condition():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self.turn(left)
        return True
