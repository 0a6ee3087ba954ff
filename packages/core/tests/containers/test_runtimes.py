"""One table of what containers do, for crun, runc, runsc and shim-runc-v2 alike.

Where a runtime differs, DIFFERENCES says it, and docs/plugins.md says the same.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.waiting import until
from rundlet.core.containers.exec import ExecRequest, begin
from rundlet.core.containers.logs import LogOptions
from rundlet.core.containers.request import Resources
from rundlet.core.contracts.monitor import Streams
from rundlet.core.engine import Engine
from rundlet.core.errors import CommandNotFound, NotSupported, WrongState

if TYPE_CHECKING:
    from .conftest import Pipes, Request

RUNTIMES = ("crun", "runc", "runsc", "shim-runc-v2")
DIFFERENCES = {
    ("runsc", "update"): "cannot change the resources of a running container",
    ("runsc", "oom"): "a process that used too much memory ends the sandbox, without the mark",
    ("shim-runc-v2", "preserve-fds"): "file descriptors cannot be passed on",
    ("shim-runc-v2", "journald"): "logs go to a file, or nowhere",
    ("shim-runc-v2", "restore"): "checkpoints are written, and not gone on from",
}


@pytest.fixture(params=RUNTIMES)
def engine(request: pytest.FixtureRequest, open_engine: Callable[[str], Engine]) -> Engine:
    engine = open_engine(request.param)
    probe = engine.plugins.runtime(request.param).probe()
    if not probe.works:
        pytest.skip(f"{request.param}: {probe.reason}")
    return engine


def log(engine: Engine, name: str) -> list[bytes]:
    return [line.text for line in engine.containers.logs(name, LogOptions())]


def differs(engine: Engine, row: str) -> bool:
    return (engine.settings.runtime, row) in DIFFERENCES


def test_life(engine: Engine, request_for: Request) -> None:
    """create, start, logs, stats, pause, update, kill, stop, start again, rm."""
    containers = engine.containers
    script = "trap 'echo hup' HUP; trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"
    request = request_for("sh", "-c", script, name="it", resources=Resources(memory=128 << 20))
    assert containers.create(request).status == "created"
    containers.start("it")
    until(lambda: b"up" in log(engine, "it"), "it does not come up")
    measured = containers.stats("it")
    assert measured.pids > 0 and measured.memory > 0 and measured.memory_limit == 128 << 20
    containers.pause("it")
    assert containers.get("it").status == "paused"
    containers.unpause("it")
    if differs(engine, "update"):
        with pytest.raises(NotSupported):
            containers.update("it", memory=96 << 20)
    else:
        containers.update("it", memory=96 << 20)
        assert containers.stats("it").memory_limit == 96 << 20
    containers.kill("it", "HUP")
    until(lambda: b"hup" in log(engine, "it"), "the signal does not arrive")
    assert containers.stop("it", timeout=30).exit_code == 9
    with pytest.raises(WrongState):
        containers.kill("it", "TERM")
    containers.start("it")
    until(lambda: log(engine, "it").count(b"up") == 2, "it does not come up again")
    containers.remove("it", force=True, timeout=0)
    assert containers.list() == []


def test_exec(engine: Engine, request_for: Request, pipes: Callable[..., Pipes]) -> None:
    """Output, input and exit code of a command; one that is not there."""
    containers = engine.containers
    containers.run(request_for("sleep", "1000", name="it"), detach=True)
    ends = pipes(b"from here\n" * 1000)
    command = ("sh", "-c", "cat; echo err >&2; exit 6")
    result = containers.exec("it", ExecRequest(command, stdin=True), ends.streams)
    assert result.exit_code == 6
    assert ends.out == b"from here\n" * 1000
    assert ends.err == b"err\n"
    with pytest.raises(CommandNotFound):
        containers.exec("it", ExecRequest(("missing",)), Streams(-1))


def test_exec_in_a_terminal(engine: Engine, request_for: Request) -> None:
    """exec -it: a pty, whose size follows that of the client."""
    engine.containers.run(request_for("sleep", "1000", name="it"), detach=True)
    row = engine.containers.get("it")
    request = ExecRequest(("sh",), terminal=True, stdin=True)
    to, answer = os.pipe(), os.pipe()
    session = begin(engine, row, request, Streams(to[0], answer[1], -1))
    seen: list[bytes] = []

    def read() -> None:
        while data := os.read(answer[0], 4096):
            seen.append(data)

    threads = [
        threading.Thread(target=session.running.pump, args=(Streams(to[0], answer[1], -1),)),
        threading.Thread(target=read),
    ]
    for thread in threads:
        thread.start()

    def sized() -> bool:
        session.running.resize(33, 111)
        os.write(to[1], b"stty size\n")
        time.sleep(0.1)
        return b"33 111" in b"".join(seen)

    until(sized, "the terminal is not resized")
    os.write(to[1], b"test -t 0 && exit 4\n")
    threads[0].join(30)
    assert session.wait() == 4
    session.forget()
    os.close(answer[1])
    threads[1].join(30)
    for descriptor in (*to, answer[0]):
        os.close(descriptor)


def test_attach(engine: Engine, request_for: Request, pipes: Callable[..., Pipes]) -> None:
    """A second command is attached: it gives the input and sees the output."""
    script = "read a; echo got $a; echo err >&2; exit 3"
    engine.containers.run(request_for("sh", "-c", script, name="it", stdin=True), detach=True)
    ends = pipes(b"hello\n")
    assert engine.containers.attach("it", ends.streams) == ("exited", 3)
    assert (ends.out, ends.err) == (b"got hello\n", b"err\n")
    assert sorted(log(engine, "it")) == [b"err", b"got hello"]  # two pipes have no order


CLIENT = """
import sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.monitor import Streams
root, rootfs, runtime = sys.argv[1:]
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run", runtime=runtime))
command = ("sh", "-c", "echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two; exit 5")
engine.containers.run(ContainerRequest(
    rootfs=rootfs, command=command, network="none", name="it"), Streams(-1))
"""


def test_it_outlives_its_command(engine: Engine, tmp_path: Path, busybox_rootfs: Path) -> None:
    """MONITOR-ORPHAN: kill -9 of `run` in the foreground harms neither process, log nor code."""
    arguments = (str(tmp_path), str(busybox_rootfs), engine.settings.runtime)
    client = subprocess.Popen([sys.executable, "-c", CLIENT, *arguments], stdout=subprocess.PIPE)
    assert client.stdout is not None
    assert client.stdout.readline() == b"one\n"
    client.send_signal(signal.SIGKILL)
    client.wait()
    client.stdout.close()
    assert engine.containers.get("it").status == "running"
    engine.containers.exec("it", ExecRequest(("touch", "/tmp/go")), Streams(-1))
    assert engine.containers.wait("it") == 5
    until(lambda: engine.containers.get("it").status == "exited", "nobody cleans up after it")
    assert log(engine, "it") == [b"one", b"two"]


def test_out_of_memory(engine: Engine, request_for: Request) -> None:
    """The exit code is that of SIGKILL, and the reason is known."""
    limits = Resources(memory=24 << 20, memory_swap=24 << 20)
    request = request_for("tail", "/dev/zero", name="it", resources=limits)
    assert engine.containers.run(request, Streams(-1)).exit_code in (137, 128)
    if not differs(engine, "oom"):
        row = engine.containers.get("it")
        assert (row.exit_code, row.oom_killed) == (137, 1)


def test_the_docs_list_the_differences() -> None:
    page = (Path(__file__).parents[4] / "docs/plugins.md").read_text()
    for (runtime, row), words in DIFFERENCES.items():
        assert f"| {row} | {runtime} | {words} |" in page
