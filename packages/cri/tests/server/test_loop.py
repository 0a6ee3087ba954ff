"""The event loop: I/O comes in good time beside callbacks, and nothing is asked for too often."""

from __future__ import annotations

import asyncio
import os
import selectors

import pytest

from rundlet.cri.server import loop


def test_io_is_seen_while_callbacks_are_always_ready() -> None:
    """Work that never lets the loop sleep must not keep it from I/O."""
    reads, writes = os.pipe()
    rounds = 0

    async def wait() -> int:
        came = asyncio.Event()
        running = asyncio.get_running_loop()
        running.add_reader(reads, came.set)

        def busy() -> None:
            nonlocal rounds
            rounds += 1
            if not came.is_set() and rounds < 1000:
                running.call_soon(busy)

        running.call_soon(busy)
        os.write(writes, b".")
        await asyncio.wait_for(came.wait(), 60)
        running.remove_reader(reads)
        return rounds

    try:
        with asyncio.Runner(loop_factory=loop.new) as runner:
            assert runner.run(wait()) <= 2 * loop.ROUNDS
    finally:
        os.close(reads)
        os.close(writes)


def test_rounds_that_wait_for_nothing_do_not_ask_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0
    select = selectors.EpollSelector.select

    def counted(self: selectors.EpollSelector, timeout: float | None = None) -> object:
        nonlocal asked
        asked += 1
        return select(self, timeout)

    monkeypatch.setattr(selectors.EpollSelector, "select", counted)

    async def rounds() -> int:
        before = asked
        for _ in range(10 * loop.ROUNDS):
            await asyncio.sleep(0)
        return asked - before

    with asyncio.Runner(loop_factory=loop.new) as runner:
        assert runner.run(rounds()) <= 10
