"""Waiting for what comes to pass by itself, on a machine that may be slow."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds: far more than anything here takes."""


def until(condition: Callable[[], T], complaint: object = "it did not come to pass") -> T:
    """What `condition` gives as soon as that is true.

    complaint: what is wrong otherwise, or a function that tells. Raises AssertionError.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(complaint() if callable(complaint) else complaint)
        time.sleep(0.02)
    return found


def kill(*pids: int) -> None:
    """SIGKILL to processes, until the kernel has ended them. Raises ProcessLookupError."""
    for pid in pids:
        descriptor = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            assert select.select([descriptor], [], [], PATIENCE)[0], f"{pid} does not end"
        finally:
            os.close(descriptor)
