"""The end of a task: what is to be done in every state, also when its shim was killed."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from ...errors import RuntimeFailed
from ...linux.processes import alive, readable
from . import bootstrap, ttrpc
from .home import Home, Shim, homes

_PATIENCE = 10.0
"""Seconds for the shim to answer an ordinary call, and for a killed process to end."""
_GRACE = 2.0
"""Seconds that a shim has to end after Shutdown. It may wait for a monitor that was killed, to
tell it of events; all that matters is done by then."""


def connect(shim: Shim, home: Home) -> ttrpc.Client:
    """Connect to the shim of a container. Raises Gone."""
    address = home.address()
    if not address:
        raise ttrpc.Gone(f"container {home.container} has no shim")
    return ttrpc.tasks(address, shim.namespace, home.task().version)


def shared(shim: Shim, home: Home) -> bool:
    """Whether the shim has other containers, too (of the same pod)."""
    address = home.address()
    others = (other for other in homes(shim.root) if other.container != home.container)
    return any(other.address() == address for other in others)


def discard(shim: Shim, home: Home) -> None:
    """End the container's processes, and forget it, whatever state it and its shim are in.

    Raises RuntimeFailed when even the shim's `delete` fails.
    """
    if not home.exists():
        return
    try:
        with connect(shim, home) as client:
            _end(client, home)
            delete(shim, home, client)
        return
    except RuntimeFailed:
        pass  # it does not answer, or cannot: from outside
    _kill_shim(shim, home)
    if home.address():
        bootstrap.clear(shim, home)
    else:
        _kill_unknown(home)
        with suppress(RuntimeFailed):
            bootstrap.clear(shim, home)
    home.remove()


def _kill_unknown(home: Home) -> None:
    """End a shim whose starter was killed before its address was known: it works in the home.

    It may fork while it is looked for: until none is found any more.
    """
    while found := [pid for pid in os.listdir("/proc") if _is_of(pid, home)]:
        for pid in found:
            try:
                os.kill(int(pid), 9)
            except ProcessLookupError:
                continue
        time.sleep(0.002)


def _is_of(pid: str, home: Home) -> bool:
    try:
        if not pid.isdecimal() or os.readlink(f"/proc/{pid}/cwd") != home.path:
            return False
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return home.container.encode() in file.read().split(b"\0")
    except OSError:
        return False


def _end(client: ttrpc.Client, home: Home) -> None:
    """Kill what runs and wait for its end. Raises Gone."""
    identity = home.container
    for method, values in (("Resume", {}), ("Kill", {"signal": 9, "all": True})):
        try:
            client.call(method, timeout=_PATIENCE, id=identity, **values)
        except ttrpc.Refused:
            continue  # it is not paused; it has ended
    try:
        client.call("Wait", timeout=_PATIENCE, id=identity)
    except ttrpc.Refused:
        return  # it was not even made


def delete(shim: Shim, home: Home, client: ttrpc.Client) -> None:
    """Delete a container that has ended, and end its shim if that has no other.

    Raises Refused with the shim's words, for one that runs above all.
    """
    try:
        client.call("Delete", timeout=_PATIENCE, id=home.container)
    except ttrpc.Refused as error:
        if error.code != ttrpc.NOT_FOUND:
            raise
    if not shared(shim, home):
        try:
            client.call("Shutdown", timeout=_PATIENCE, id=home.container)
        except ttrpc.Gone:
            pass  # it was quick
        if not _wait_shim(home, _GRACE):
            _kill_shim(shim, home)
    home.remove()


def _wait_shim(home: Home, timeout: float) -> bool:
    """Until its process is gone: a new one would find a socket that the old one removes."""
    task = home.task()
    if not alive(task.shim_pid, task.shim_start):
        return True
    try:
        descriptor = os.pidfd_open(task.shim_pid)
    except ProcessLookupError:
        return True
    try:
        return readable([descriptor], timeout)
    finally:
        os.close(descriptor)


def _kill_shim(shim: Shim, home: Home) -> None:
    task = home.task()
    if shared(shim, home) or not alive(task.shim_pid, task.shim_start):
        return
    try:
        os.kill(task.shim_pid, 9)
    except ProcessLookupError:
        return
    _wait_shim(home, _PATIENCE)
    bootstrap.remove_socket(home.address())
