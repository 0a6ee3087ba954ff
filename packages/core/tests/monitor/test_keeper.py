"""The streams of our own monitor, without a shim: who is connected sees all, and slows it down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rundlet.core.monitor.attach import connect
from rundlet.core.monitor.keeper.log import Log
from rundlet.core.monitor.keeper.loop import Loop
from rundlet.core.monitor.keeper.stdin import Input
from rundlet.core.monitor.keeper.streams import Streams


@pytest.fixture
def loop() -> Loop:
    return Loop()


def streams(loop: Loop, where: Path, stdin: Input | None = None) -> Streams:
    os.mkfifo(where / "stdout")
    made = Streams(loop, Log(str(where / "log")), stdin, terminal=False)
    made.open({"stdout": str(where / "stdout")})
    made.listen(str(where))
    return made


def test_who_connects_before_the_output_sees_it(loop: Loop, tmp_path: Path) -> None:
    """MONITOR-ATTACH-ALL: also when both are there at the same turn of the loop."""
    kept = streams(loop, tmp_path)
    process = os.open(tmp_path / "stdout", os.O_WRONLY)
    client = connect(str(tmp_path), "it")
    client.settimeout(30)
    os.write(process, b"first\nand")
    os.close(process)
    kept.drain()
    assert client.recv(100) == b"\x02first\nand"
    kept.close()
    assert client.recv(100) == b""
    client.close()
    lines = [line.split(" ", 1)[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert lines == ["stdout F first", "stdout P and"]


def test_input_waits_for_its_reader_and_ends_with_the_client(loop: Loop, tmp_path: Path) -> None:
    """A fifo that nobody reads yet takes nothing; nothing is lost."""
    os.mkfifo(tmp_path / "stdin")
    closed: list[bool] = []
    stdin = Input(loop, str(tmp_path / "stdin"), lambda: closed.append(True))
    kept = streams(loop, tmp_path, stdin)
    client = connect(str(tmp_path), "it")
    client.settimeout(30)
    client.send(b"typed")
    client.shutdown(1)
    for _ in range(5):
        loop.turn(0.01)
    assert not closed
    shim = os.open(tmp_path / "stdin", os.O_RDONLY | os.O_NONBLOCK)
    assert loop.until(lambda: bool(closed), 30)
    assert (os.read(shim, 100), os.read(shim, 100)) == (b"typed", b"")
    os.close(shim)
    client.close()
    kept.close()
