"""Telling systemd, where it started us: sd_notify(3), a datagram each."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time

LOG = logging.getLogger("rundlet.cri")


def notify(state: str) -> None:
    """ "READY=1", "STOPPING=1", ...; nothing where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        try:
            to.connect("\0" + address[1:] if address.startswith("@") else address)
            to.send(state.encode())
        except OSError as error:
            LOG.warning("systemd was not told %s: %s", state, error)


def reloading() -> None:
    """Type=notify-reload wants the time with it, of the monotonic clock in microseconds."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


async def watchdog() -> None:
    """Say twice in each WatchdogSec= that the loop runs, until cancelled."""
    period = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    if not (period.isdecimal() and int(period) and ours):
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(period) / 2e6)
