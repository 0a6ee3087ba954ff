"""ExecSync: a command's output as bytes, within a time and a size."""

from __future__ import annotations

import os
import threading
import time

from rundlet.core import Engine
from rundlet.core.containers.exec import ExecRequest, Session, begin, collect
from rundlet.core.contracts.monitor import Output, Streams
from rundlet.core.errors import InvalidArgument, TimedOut
from rundlet.core.monitor.collect import kill_tree
from rundlet.core.state.containers import Container

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
    request = ExecRequest(tuple(command))
    output = collect(engine, made.row, request, timeout=timeout, limit=limit)
    if output is None:
        output = _monitored(engine, made.row, request, timeout, limit)
    if output.late:
        raise TimedOut(f"command {command[0]!r} timed out after {timeout} s")
    return cri.ExecSyncResponse(
        stdout=output.stdout, stderr=output.stderr, exit_code=output.exit_code
    )


def _monitored(
    engine: Engine, row: Container, request: ExecRequest, timeout: int, limit: int
) -> Output:
    """By an exec session, where the runtime alone cannot (the shim of a virtual machine)."""
    out, err = _Drain(limit), _Drain(limit)
    streams = Streams(stdin=-1, stdout=out.write, stderr=err.write)
    began = time.monotonic()
    code, late = 0, False
    try:
        session = begin(engine, row, request, streams)
        try:
            code, late = _finish(session, streams, timeout, began)
        finally:
            session.forget()
    finally:
        stdout, stderr = out.close(), err.close()
    return Output(stdout, stderr, code, late=late)


def _finish(session: Session, streams: Streams, timeout: int, began: float) -> tuple[int, bool]:
    """The exit code, and whether the time was up first."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        kill_tree(session.running.pid, grace=0)

    timer = threading.Timer(max(0.0, timeout - (time.monotonic() - began)), kill)
    timer.daemon = True
    if timeout > 0:
        timer.start()
    try:
        session.running.pump(streams)
        return session.wait(), late.is_set()
    finally:
        timer.cancel()
