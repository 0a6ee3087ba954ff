"""Attach, exec and the pty through real conmon; clause names are of contracts/monitor.py."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from rundlet.core.containers import exec as exec_module
from rundlet.core.containers.exec import ExecRequest
from rundlet.core.contracts.monitor import Streams
from rundlet.core.engine import Engine
from rundlet.core.errors import (
    CommandNotExecutable,
    CommandNotFound,
    NoSuchContainer,
    WrongState,
)
from rundlet.core.monitor.detach import keys

BIG = 100 << 20


def _digest_of(descriptor: int, found: list[tuple[int, str]], pause: float = 0) -> None:
    digest, size = hashlib.sha256(), 0
    while data := os.read(descriptor, 1 << 16):
        if pause and size == 0:
            time.sleep(pause)
        digest.update(data)
        size += len(data)
    found.append((size, digest.hexdigest()))


def _zeros(size: int) -> str:
    return hashlib.sha256(bytes(size)).hexdigest()


@pytest.mark.parametrize("how", ["run", "exec"])
def test_100_mb_of_output_arrive_in_full(engine, request_for, how: str) -> None:
    """MONITOR-ATTACH-ALL, with a reader that is slow to begin."""
    read, write = os.pipe()
    found: list[tuple[int, str]] = []
    reader = threading.Thread(target=_digest_of, args=(read, found, 0.3))
    reader.start()
    command = ("head", "-c", str(BIG), "/dev/zero")
    streams = Streams(-1, write, write)
    if how == "run":
        engine.containers.run(request_for(*command, log_driver="none"), streams)
    else:
        engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
        assert engine.containers.exec("it", ExecRequest(command), streams).exit_code == 0
    os.close(write)
    reader.join()
    os.close(read)
    assert found == [(BIG, _zeros(BIG))]


@pytest.mark.parametrize("how", ["run", "exec"])
def test_input_and_output_at_once_do_not_lock_up(engine, request_for, tmp_path, how: str) -> None:
    """`cat`: conmon waits for us to read while we have more to send; then the half-close."""
    size = 20 << 20
    (tmp_path / "input").write_bytes(bytes(size))
    read, write = os.pipe()
    found: list[tuple[int, str]] = []
    reader = threading.Thread(target=_digest_of, args=(read, found))
    reader.start()
    with (tmp_path / "input").open("rb") as source:
        streams = Streams(source.fileno(), write, -1)
        if how == "run":
            engine.containers.run(request_for("cat", stdin=True, log_driver="none"), streams)
        else:
            engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
            engine.containers.exec("it", ExecRequest(("cat",), stdin=True), streams)
    os.close(write)
    reader.join()
    os.close(read)
    assert found == [(size, _zeros(size))]


def test_nobody_reads(engine, request_for) -> None:
    """A reader that went away ends the client, not the container."""
    read, write = os.pipe()
    os.close(read)
    request = request_for("sh", "-c", "echo a; sleep 100", name="it")
    with pytest.raises(BrokenPipeError):
        engine.containers.run(request, Streams(-1, write, -1))
    os.close(write)
    assert engine.containers.get("it").status == "running"


def test_exec_codes(engine, request_for, pipes) -> None:
    with pytest.raises(WrongState) as caught:
        engine.containers.create(request_for("sleep", "100", name="it"))
        engine.containers.exec("it", ExecRequest(("true",)), Streams(-1))
    assert caught.value.exit_code == 255  # podman's
    engine.containers.start("it")
    ends = pipes()
    command = ExecRequest(("sh", "-c", "echo $A; pwd; exit 9"), env={"A": "b"}, workdir="/tmp")
    assert engine.containers.exec("it", command, ends.streams).exit_code == 9
    assert ends.out == b"b\n/tmp\n"
    with pytest.raises(CommandNotFound):
        engine.containers.exec("it", ExecRequest(("nope",)), ends.streams)
    with pytest.raises(CommandNotExecutable):
        engine.containers.exec("it", ExecRequest(("/etc",)), ends.streams)
    assert engine.database.rows("SELECT * FROM exec_sessions") == []
    run = Path(engine.settings.run_root, "containers", engine.containers.get("it").id, "exec")
    assert os.listdir(run) == []


def test_exec_in_one_that_is_removed_meanwhile(engine, request_for, monkeypatch) -> None:
    made = engine.containers.create(request_for("true", name="it"))
    engine.containers.remove(made.id)
    monkeypatch.setattr(exec_module, "_running", lambda engine, row, failed: row)
    run = Path(engine.settings.run_root, "containers", made.id)
    with pytest.raises(NoSuchContainer):
        exec_module.execute(engine, made, ExecRequest(("true",)), Streams(-1))
    assert not run.exists()
    run.mkdir(parents=True)
    with pytest.raises(NoSuchContainer):
        exec_module.execute(engine, made, ExecRequest(("true",)), Streams(-1))
    assert os.listdir(run / "exec") == []
    shutil.rmtree(run)


def test_exec_detached(engine, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    result = engine.containers.exec("it", ExecRequest(("sleep", "100"), detach=True))
    assert result.how == "detached"
    assert engine.containers.inspect("it")["ExecIDs"] == [result.session]
    session = engine.database.row("SELECT pid FROM exec_sessions")
    descriptor = os.pidfd_open(session[0])
    os.kill(session[0], signal.SIGKILL)
    assert select.select([descriptor], [], [], 60)[0]
    os.close(descriptor)
    engine.containers.exec("it", ExecRequest(("true",)), Streams(-1))  # forgets the ended one
    assert engine.containers.inspect("it")["ExecIDs"] == []
    run = Path(engine.settings.run_root, "containers", engine.containers.get("it").id, "exec")
    assert os.listdir(run) == []


def test_exec_ends_with_the_container(engine, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    codes: list[int] = []

    def client() -> None:
        with Engine(engine.settings) as other:
            request = ExecRequest(("sleep", "100"))
            codes.append(other.containers.exec("it", request, Streams(-1)).exit_code)

    thread = threading.Thread(target=client)
    thread.start()
    deadline = time.monotonic() + 60
    while not engine.database.row("SELECT 1 FROM exec_sessions WHERE pid <> ?", os.getpid()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    engine.containers.stop("it", timeout=0)
    thread.join(60)
    assert codes == [137]


def test_two_clients_attached(engine, request_for) -> None:
    script = "while :; do echo tick; sleep 0.1; done & read a; kill $!; wait; echo got $a"
    request = request_for("sh", "-c", script, name="it", stdin=True)
    engine.containers.run(request, detach=True)
    results: list[tuple[str, int]] = []
    outputs = []
    threads = []
    inputs = []
    for _ in range(2):
        to, answer = os.pipe(), os.pipe()
        inputs.append(to[1])
        outputs.append(answer[0])

        def client(source: int = to[0], sink: int = answer[1]) -> None:
            with Engine(engine.settings) as other:
                results.append(other.containers.attach("it", Streams(source, sink, -1)))
            os.close(sink)

        threads.append(threading.Thread(target=client))
        threads[-1].start()
    for output in outputs:
        assert os.read(output, 5) == b"tick\n"
    os.write(inputs[0], b"hello\n")
    for thread in threads:
        thread.join(60)
    assert results == [("exited", 0)] * 2
    assert [os.read(output, 65536)[-10:] for output in outputs] == [b"got hello\n"] * 2


CLIENT = """
import sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.monitor import Streams
from rundlet.core.containers.exec import ExecRequest
root, rootfs, what, *command = sys.argv[1:]
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run", runtime="runc"))
streams = Streams(terminal=True)
if what == "exec":
    request = ExecRequest(tuple(command), terminal=True, stdin=True)
    result = engine.containers.exec("it", request, streams)
else:
    result = engine.containers.run(ContainerRequest(
        rootfs=rootfs, command=tuple(command), network="none", name="it", terminal=what == "tty",
        stdin=True), streams if what == "tty" else Streams())
print("result", result.how, result.exit_code, flush=True)
"""


class Terminal:
    """A client in a pty of ours, as a user's terminal would have it."""

    def __init__(self, *arguments: str) -> None:
        self.main, worker = pty.openpty()
        self.resize(24, 80)
        self.before = termios.tcgetattr(self.main)
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, *arguments],
            stdin=worker,
            stdout=worker,
            stderr=worker,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(worker)
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        os.write(self.main, text)

    def expect(self, text: bytes, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, (text, self.seen)
            try:
                self.seen += os.read(self.main, 4096)
            except OSError:
                assert text in self.seen, self.seen
        self.seen = self.seen.partition(text)[2]

    def attributes(self) -> list[object]:
        return termios.tcgetattr(self.main)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)
        os.close(self.main)


@pytest.fixture
def terminal(engine, tmp_path: Path, busybox_rootfs: Path):
    made: list[Terminal] = []

    def make(what: str, *command: str) -> Terminal:
        made.append(Terminal(str(tmp_path), str(busybox_rootfs), what, *command))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_run_it_with_resize(engine, terminal) -> None:
    """The seeds' `run -it IMAGE sh`: a real pty on both sides."""
    it = terminal("tty", "sh")
    it.expect(b"# ")
    it.type(b"stty size; tty\r")
    it.expect(b"24 80\r\n")
    it.expect(b"/dev/pts/0")
    assert it.attributes() != it.before  # raw
    it.resize(30, 100)
    for _ in range(50):
        it.type(b"stty size\r")
        it.expect(b"# ")
        if b"30 100" in it.seen:
            break
        time.sleep(0.05)
    it.expect(b"30 100")
    it.type(b"sh -c 'echo be''gun; exec sleep 100'\r")
    it.expect(b"begun")
    it.type(b"\x03")  # to the container's terminal, not to us
    it.expect(b"# ")
    it.type(b"exit 5\r")
    it.expect(b"result exited 5")
    assert it.process.wait(60) == 0
    assert it.attributes() == it.before
    assert engine.containers.get("it").exit_code == 5


def test_detach_and_attach_again(engine, terminal) -> None:
    it = terminal("tty", "sh")
    it.expect(b"# ")
    it.type(b"\x10\x11")
    it.expect(b"result detached 0")
    assert it.process.wait(60) == 0
    assert it.attributes() == it.before
    assert engine.containers.get("it").status == "running"
    main, worker = pty.openpty()
    results = []
    streams = Streams(worker, worker, worker, terminal=True, detach_keys=keys("ctrl-p,ctrl-q"))

    def client() -> None:
        with Engine(engine.settings) as other:
            results.append(other.containers.attach("it", streams))

    thread = threading.Thread(target=client)
    thread.start()
    os.write(main, b"exit 3\r")
    thread.join(60)
    assert results == [("exited", 3)]
    os.close(main)
    os.close(worker)


def test_exec_it(engine, terminal, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    it = terminal("exec", "sh")
    it.expect(b"# ")
    it.type(b"stty size; exit 6\r")
    it.expect(b"24 80")
    it.expect(b"result exited 6")


def test_signals_are_passed_on(engine, terminal) -> None:
    """--sig-proxy: SIGTERM to the client is the container's."""
    it = terminal("run", "sh", "-c", "trap 'exit 42' TERM; echo ready; while :; do sleep 0.1; done")
    it.expect(b"ready")
    it.process.send_signal(signal.SIGTERM)
    it.expect(b"result exited 42")


@pytest.mark.parametrize("who", ["conmon", "client"])
def test_terminal_is_restored_or_left(engine, terminal, who: str) -> None:
    """MONITOR-ORPHAN; and a killed conmon does not hang its client."""
    it = terminal("tty", "sh")
    it.expect(b"# ")
    row = engine.containers.get("it")
    if who == "conmon":
        os.kill(row.monitor_pid, signal.SIGKILL)
        it.process.wait(60)
        assert it.attributes() == it.before
    else:
        it.process.kill()
        it.process.wait()
        time.sleep(0.3)
        assert engine.containers.get("it").status == "running"
