"""ExecSync: a command's output as bytes, within a time and a size."""

from __future__ import annotations

import os
import signal
import threading
import time

from rundlet.core import Engine
from rundlet.core.containers.exec import ExecRequest, Session, begin
from rundlet.core.contracts.monitor import Streams
from rundlet.core.errors import InvalidArgument, TimedOut

from ..proto import api_pb2 as cri
from . import record

LIMIT = 16 * 1024 * 1024 - 65536
"""Bytes of each stream that are kept, as in CRI-O; together with the rest below gRPC's message."""


class _Drain:
    """A pipe that is read to its end by a thread; what is beyond the limit is dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._read, self.write = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        with open(self._read, "rb", buffering=0) as pipe:
            while data := pipe.read(65536):
                self._kept += data[: max(0, self._limit - len(self._kept))]

    def close(self) -> bytes:
        """Close our writing end, wait for the reader; what came."""
        os.close(self.write)
        self._thread.join()
        return bytes(self._kept)


def execsync(
    engine: Engine, identity: str, command: list[str], timeout: int, limit: int = LIMIT // 2
) -> cri.ExecSyncResponse:
    """Run a command to its end. timeout: seconds, 0 for none; then it is killed.

    Raises TimedOut, WrongState for a container that does not run, CommandNotFound.
    """
    if not command:
        raise InvalidArgument("ExecSync: no command")
    made = record.find(engine, identity)
    out, err = _Drain(limit), _Drain(limit)
    streams = Streams(stdin=-1, stdout=out.write, stderr=err.write)
    began = time.monotonic()
    code, late = 0, False
    try:
        session = begin(engine, made.row, ExecRequest(tuple(command)), streams)
        try:
            code, late = _finish(session, streams, timeout, began)
        finally:
            session.forget()
    finally:
        stdout, stderr = out.close(), err.close()
    if late:
        raise TimedOut(f"command {command[0]!r} timed out after {timeout} s")
    return cri.ExecSyncResponse(stdout=stdout, stderr=stderr, exit_code=code)


def _finish(session: Session, streams: Streams, timeout: int, began: float) -> tuple[int, bool]:
    """The exit code, and whether the time was up first."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        _kill(session.running.pid)

    timer = threading.Timer(max(0.0, timeout - (time.monotonic() - began)), kill)
    timer.daemon = True
    if timeout > 0:
        timer.start()
    try:
        session.running.pump(streams)
        return session.wait(), late.is_set()
    finally:
        timer.cancel()


def _kill(pid: int) -> None:
    """The command and all that it started: those keep its output open."""
    for one in (*_children(pid), pid):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _children(pid: int) -> list[int]:
    """All processes below one, deepest first (proc(5), /proc/PID/task/TID/children)."""
    found: list[int] = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return found
    for child in children:
        found += [*_children(child), child]
    return found
