"""Who hears the signal of `stop`."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from devtools.waiting import until
from rundlet.core.containers import stop
from rundlet.core.containers.state import boot_id
from rundlet.core.linux.processes import Listening, listening, start_time

TERM = 15

# What a runtime's init is before the container's command, which handles the signal only later: it
# blocks the signal, and what came meanwhile is dropped, as the kernel does with a namespace's init.
BECOMING = """
import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
while signal.SIGTERM not in signal.sigpending():
    time.sleep(0.01)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
signal.signal(signal.SIGTERM, signal.SIG_DFL)
os.execv("/bin/sh", ["sh", "-c", "sleep 0.3; trap 'exit 7' TERM; while :; do sleep 0.05; done"])
"""
# As an init that waits for signals: it blocks them all its life, and counts what it gets.
WAITING = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
while signal.SIGTERM not in signal.sigpending():
    time.sleep(0.01)
signal.sigwait([signal.SIGTERM])
time.sleep(0.5)
raise SystemExit(9 if signal.SIGTERM in signal.sigpending() else 7)
"""


@pytest.mark.parametrize("script", [BECOMING, WAITING], ids=["becoming", "waiting"])
def test_it_reaches_the_program_and_once(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop, "stop_signal", lambda row: TERM)
    runtime: Any = SimpleNamespace(kill=lambda name, number: os.kill(process.pid, number))
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        try:
            until(lambda: listening(process.pid, TERM).program)
            started = start_time(process.pid)
            row: Any = SimpleNamespace(
                id="c", status="running", boot=boot_id(), pid=process.pid, pid_start=started
            )
            ended = stop._asked(runtime, row, 60)
        finally:
            process.kill()
    assert (ended, process.returncode) == (True, 7)


def test_nobody_listens_in_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    assert listening(process.pid, TERM) == Listening(False, "")
