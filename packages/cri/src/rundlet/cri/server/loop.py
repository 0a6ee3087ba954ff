"""The server's event loop: asyncio's own, which asks the kernel for I/O less often.

asyncio asks before every round of callbacks, also when the next round is there already. A call of
grpc.aio goes through five rounds (a future is resolved, a task goes on, it makes the next task)
that wait for no I/O. Asking in each of them was 1 to 5% of a small call.
"""

from __future__ import annotations

import asyncio
import selectors

ROUNDS = 8
"""Rounds in a row that may go by without asking: I/O waits at most so long for callbacks."""


class Selector(selectors.EpollSelector):
    """Asks when the loop would sleep, or when it has not asked for ROUNDS times."""

    def __init__(self) -> None:
        super().__init__()
        self._left = ROUNDS

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the base class has it; with a timeout of 0 possibly nothing, although all is ready."""
        if timeout is not None and timeout <= 0 and self._left:
            self._left -= 1
            return []
        self._left = ROUNDS
        return super().select(timeout)


def new() -> asyncio.AbstractEventLoop:
    """A loop for asyncio.Runner."""
    return asyncio.SelectorEventLoop(Selector())
