"""Containers of a shim when their monitor or their shim is killed: the next command clears up."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.fixtures import needs
from devtools.waiting import kill, until
from rundlet.core.containers.exec import ExecRequest
from rundlet.core.containers.request import Resources
from rundlet.core.containers.stored import request_of, request_text
from rundlet.core.contracts.monitor import Streams
from rundlet.core.engine import Engine
from rundlet.core.errors import RuntimeFailed, WrongState
from rundlet.core.linux.processes import start_time
from rundlet.core.runtimes.shim import bootstrap
from rundlet.core.runtimes.shim.home import Home, Task
from rundlet.core.state import containers as rows

if TYPE_CHECKING:
    from .conftest import Request

RUNTIME = "shim-runc-v2"


@pytest.fixture
def engine(open_engine: Callable[[str], Engine]) -> Engine:
    needs("containerd-shim-runc-v2", "runc")
    return open_engine(RUNTIME)


def task(engine: Engine, name: str) -> Task:
    root = f"{engine.settings.run_root}/oci/{RUNTIME}"
    return Home(root, engine.containers.get(name).id).task()


def wait_status(engine: Engine, name: str, status: str) -> None:
    until(lambda: engine.containers.get(name).status == status, lambda: engine.containers.get(name))


def test_a_killed_shim(engine: Engine, request_for: Request) -> None:
    """What it leaves running is ended by the monitor, at once, and the exit is told."""
    engine.containers.run(request_for("sleep", "1000", name="it"), detach=True)
    pid = engine.containers.get("it").pid
    kill(task(engine, "it").shim_pid)
    assert engine.containers.wait("it") == 137
    wait_status(engine, "it", "exited")
    assert not start_time(pid)
    assert engine.containers.start("it").status == "running"


def test_a_killed_monitor(engine: Engine, request_for: Request) -> None:
    """The container runs on, under its shim; its end is seen, though its code is not known."""
    engine.containers.run(request_for("sleep", "1000", name="it"), detach=True)
    row = engine.containers.get("it")
    kill(row.monitor_pid)
    assert engine.containers.get("it").status == "running"
    engine.containers.pause("it")
    engine.containers.unpause("it")
    with pytest.raises(WrongState, match="monitor"):
        engine.containers.attach("it", Streams(-1))
    kill(row.pid)
    assert engine.containers.wait("it") == 255
    shim = task(engine, "it").shim_pid
    assert engine.containers.start("it").status == "running"
    assert not start_time(shim)


@pytest.mark.parametrize("how", ["stop", "kill", "remove"])
def test_a_killed_shim_and_monitor(engine: Engine, request_for: Request, how: str) -> None:
    """Nobody is left to ask; the process is signalled and cleared away from outside."""
    engine.containers.run(request_for("sleep", "1000", name="it"), detach=True)
    row, before = engine.containers.get("it"), task(engine, "it")
    kill(row.monitor_pid)
    kill(before.shim_pid)
    assert engine.containers.get("it").status == "running"
    if how == "remove":
        engine.containers.remove("it", force=True, timeout=0)
    elif how == "kill":
        engine.containers.kill("it")
        wait_status(engine, "it", "exited")
    else:
        engine.containers.stop("it", timeout=0)
    assert not start_time(row.pid)
    if how != "remove":
        assert engine.containers.start("it").status == "running"


def test_a_client_of_a_killed_monitor_does_not_hang(
    engine: Engine, request_for: Request, tmp_path: Path
) -> None:
    failed: list[str] = []

    def client() -> None:
        with Engine(engine.settings) as other:
            try:
                other.containers.run(request_for("sleep", "1000", name="it"), Streams(-1))
            except RuntimeFailed as error:
                failed.append(str(error))

    thread = threading.Thread(target=client)
    thread.start()
    until(lambda: any(row.status == "running" for row in engine.containers.list()))
    kill(engine.containers.get("it").monitor_pid)
    thread.join(60)
    assert failed and "monitor" in failed[0]


def test_a_hundred_megabytes_with_a_slow_reader(engine: Engine, request_for: Request) -> None:
    """Nothing is lost on the way: the process waits for who is attached."""
    reading, writing = os.pipe()
    size = 100 << 20
    counted: list[int] = []

    def read() -> None:
        total = 0
        time.sleep(0.5)
        while data := os.read(reading, 1 << 20):
            total += len(data)
        counted.append(total)

    thread = threading.Thread(target=read)
    thread.start()
    request = request_for("head", "-c", str(size), "/dev/zero", name="it", log_driver="none")
    assert engine.containers.run(request, Streams(-1, writing, -1)).exit_code == 0
    os.close(writing)
    thread.join(60)
    os.close(reading)
    assert counted == [size]


def test_a_log_that_is_begun_anew(engine: Engine, request_for: Request) -> None:
    """--log-opt max-size, and the CRI's ReopenContainerLog."""
    script = "i=0; while [ $i -lt 3000 ]; do echo a line of the log $i; i=$((i+1)); done"
    options = {"max-size": "20k"}
    request = request_for("sh", "-c", script, name="it", log_options=options)
    assert engine.containers.run(request, Streams(-1, -1, -1)).exit_code == 0
    lines = [line.text for line in engine.containers.logs("it")]
    assert lines[-1] == b"a line of the log 2999"
    assert len(lines) < 1000


def put_in_pod(engine: Engine, row: rows.Container, pod: str) -> None:
    request = request_of(row.request).replace(pod=pod)
    rows.update(engine.database, row.id, request=request_text(request))


def test_containers_of_a_pod_share_a_shim(engine: Engine, request_for: Request) -> None:
    """One ends before the other; the shim ends with the last."""
    pod = "1234" * 16
    made = [
        engine.containers.create(request_for("sleep", "1000", name=name)) for name in ("a", "b")
    ]
    for row in made:
        put_in_pod(engine, row, pod)
        engine.containers.start(row.id)
    shim = task(engine, "a").shim_pid
    assert task(engine, "b").shim_pid == shim
    engine.containers.stop("a", timeout=0)
    assert engine.containers.get("b").status == "running"
    engine.containers.start("a")
    assert task(engine, "a").shim_pid == shim
    engine.containers.remove("a", force=True, timeout=0)
    request = ExecRequest(("tty",), terminal=True)
    assert engine.containers.exec("b", request, Streams(-1)).exit_code == 0
    limits = Resources(memory=24 << 20, memory_swap=24 << 20)
    hungry = engine.containers.create(
        request_for("tail", "/dev/zero", name="hungry", resources=limits)
    )
    put_in_pod(engine, hungry, pod)
    assert engine.containers.start("hungry")
    assert engine.containers.wait("hungry") == 137
    wait_status(engine, "hungry", "exited")
    assert engine.containers.get("hungry").oom_killed, "the first one's monitor is told of it"
    kill(shim)
    assert engine.containers.wait("b") == 137
    wait_status(engine, "b", "exited")


def test_a_shim_whose_starter_was_killed(engine: Engine, request_for: Request) -> None:
    """Its address is not known yet: it is found by the directory that it works in."""
    engine.containers.run(request_for("sleep", "1000", name="it"), detach=True)
    row, before = engine.containers.get("it"), task(engine, "it")
    kill(row.monitor_pid)
    home = Home(f"{engine.settings.run_root}/oci/{RUNTIME}", row.id)
    address = home.address()
    os.unlink(home.address_file)
    os.unlink(home.task_file)
    os.kill(row.pid, signal.SIGKILL)
    engine.containers.remove("it", force=True, timeout=0)
    assert not start_time(before.shim_pid)
    bootstrap.remove_socket(address)  # of a name that only the shim knows
