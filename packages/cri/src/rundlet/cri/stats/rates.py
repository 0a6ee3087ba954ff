"""How many processors a container uses now: from two measurements, one of them remembered."""

from __future__ import annotations

import threading

from .measure import Usage

SHORTEST = 500_000_000
"""Nanoseconds between two measurements that a rate is made of: clients may ask more often."""


class Rates:
    """The measurement before, of each container. Several threads ask at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: dict[str, tuple[int, int, int]] = {}

    def rate(self, container: str, now: Usage, started: int) -> int:
        """Nanoseconds of processor time per second; the first time, since the start."""
        with self._lock:
            time, cpu, rate = self._before.get(container, (started, 0, -1))
            if rate >= 0 and now.time - time < SHORTEST:
                return rate
            elapsed = max(1, now.time - time)
            rate = max(0, now.cpu - cpu) * 1_000_000_000 // elapsed
            self._before[container] = (now.time, now.cpu, rate)
            return rate

    def keep(self, containers: set[str]) -> None:
        """Forget all others."""
        with self._lock:
            for gone in self._before.keys() - containers:
                del self._before[gone]
