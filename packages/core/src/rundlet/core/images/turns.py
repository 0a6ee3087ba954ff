"""Copies that run side by side bring a blob that they share once."""

from __future__ import annotations

import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL = 0.2
"""Seconds between looks whether a copy that waits is still wanted."""


class Turns:
    """One thread at a time for each digest; who comes second finds the blob there.

    Given to all the copies (`CopyOptions.turns`) of one place where blobs are shared.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: set[str] = set()

    @contextmanager
    def of(self, digest: str, check: Callable[[], None]) -> Iterator[None]:
        """Around looking for a blob and copying it. `check` raises to end the waiting."""
        with self._changed:
            while digest in self._taken:
                self._changed.wait(_POLL)
                check()
            self._taken.add(digest)
        try:
            yield
        finally:
            with self._changed:
                self._taken.discard(digest)
                self._changed.notify_all()
