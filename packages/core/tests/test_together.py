"""Work in several threads, interrupted."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from rundlet.core.together import together


def test_an_interrupt_waits_for_what_runs() -> None:
    begun, stop = threading.Event(), threading.Event()
    ended: list[str] = []

    def first() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)
        stop.wait()

    def last() -> None:
        begun.set()
        stop.wait()
        time.sleep(0.2)  # what it undoes takes its time
        ended.append("undone")

    with pytest.raises(KeyboardInterrupt):
        together([first, last], 2, stop.set)
    assert ended == ["undone"]
