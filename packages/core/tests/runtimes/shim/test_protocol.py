"""ttrpc and protobuf as shims speak them, against their own definitions; and what is broken."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import Corrupt, RuntimeFailed
from rundlet.core.monitor.keeper.events import Events
from rundlet.core.monitor.keeper.loop import Loop
from rundlet.core.runtimes.shim import api, bootstrap, protobuf, publish, ttrpc
from rundlet.core.runtimes.shim.home import Home, Shim
from rundlet.core.runtimes.shim.protobuf import BYTES, STRING, STRINGS, VARINT
from rundlet.core.runtimes.shim.runtime import measured

SHIM = Shim("it", "/bin/shim", "/nowhere", "ns")
INNER: protobuf.Message = {"name": (1, STRING), "size": (16, VARINT)}
MESSAGE: protobuf.Message = {
    "text": (1, STRING),
    "data": (2, BYTES),
    "number": (3, VARINT),
    "inner": (4, INNER),
    "list": (5, [INNER]),
    "map": (6, STRINGS),
}


def test_known_bytes() -> None:
    """From the encoding's own documentation: 150 is 96 01, "testing" in field 2."""
    assert protobuf.encode({"a": (1, VARINT)}, {"a": 150}) == bytes.fromhex("089601")
    assert protobuf.encode({"b": (2, STRING)}, {"b": "testing"}) == b"\x12\x07testing"
    assert protobuf.decode({"c": (3, {"a": (1, VARINT)})}, bytes.fromhex("1a03089601")) == {
        "c": {"a": 150}
    }
    unknown = bytes.fromhex("0d01000000110100000000000000") + b"\x12\x07testing"
    assert protobuf.decode({"b": (2, STRING)}, unknown) == {"b": "testing"}


@given(
    st.text(), st.binary(), st.integers(0, 2**64 - 1), st.dictionaries(st.text(), st.text()),
    st.lists(st.fixed_dictionaries({"name": st.text(), "size": st.integers(0, 2**32)})),
)  # fmt: skip
def test_what_is_encoded_is_decoded(
    text: str, data: bytes, number: int, pairs: dict[str, str], many: list[dict[str, object]]
) -> None:
    values = {"text": text, "data": data, "number": number, "inner": {"name": "x", "size": 1},
              "list": many, "map": pairs}  # fmt: skip
    assert protobuf.decode(MESSAGE, protobuf.encode(MESSAGE, values)) == values


@given(st.binary())
def test_nonsense_is_corrupt_or_a_message(data: bytes) -> None:
    try:
        assert set(protobuf.decode(MESSAGE, data)) == set(MESSAGE)
    except Corrupt:
        pass


@given(st.lists(st.binary(max_size=300)), st.integers(1, 20))
def test_frames_come_in_any_pieces(payloads: list[bytes], step: int) -> None:
    stream = b"".join(ttrpc.frame(2 * n + 1, 2, data) for n, data in enumerate(payloads))
    frames = ttrpc.Frames()
    found = [
        one for at in range(0, len(stream), step) for one in frames.feed(stream[at : at + step])
    ]
    assert found == [(2 * n + 1, 2, data) for n, data in enumerate(payloads)]


def test_a_frame_that_claims_too_much() -> None:
    with pytest.raises(Corrupt, match="4194305"):
        ttrpc.Frames().feed(struct.pack(">IIBB", (4 << 20) + 1, 1, 2, 0))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    monkeypatch.chdir(tmp_path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("s")
    listener.listen(1)
    return listener


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "the shim has ended"),
        (ttrpc.response(1, 5, "container not created: not found"), "container not created$"),
        (ttrpc.response(3) + ttrpc.response(1, 2, "OCI runtime failed: unknown"), "failed$"),
        (b"\0\0\0\x05", "the shim has ended"),
    ],
)
def test_answers_that_are_none(server: socket.socket, answer: bytes, words: str) -> None:
    def serve() -> None:
        connection, _ = server.accept()
        connection.recv(65536)
        connection.sendall(answer)
        connection.close()
        server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with ttrpc.tasks("unix://s", "ns") as client, pytest.raises(RuntimeFailed, match=words):
        client.call("State", id="x")
    thread.join(60)


def test_a_shim_that_does_not_answer(server: socket.socket) -> None:
    with ttrpc.tasks("s", "ns") as client, pytest.raises(ttrpc.Gone, match="in time"):
        client.call("State", timeout=0.05, id="x")
    server.close()
    with pytest.raises(ttrpc.Gone, match="no shim answers"):
        ttrpc.tasks("unix:///nowhere/s", "ns")


@pytest.mark.parametrize(
    ("said", "started"),
    [
        ("unix:///run/s/1\n", bootstrap.Started("unix:///run/s/1")),
        ("a warning\nunix:///run/s/1", bootstrap.Started("unix:///run/s/1")),
        (
            '{"version":3,"address":"unix:///run/s/2","protocol":"ttrpc"}',
            bootstrap.Started("unix:///run/s/2", 3),
        ),
        ('{"version":2,"address":"unix:///s"}', bootstrap.Started("unix:///s", 2)),
    ],
)
def test_answers_of_start(said: str, started: bootstrap.Started) -> None:
    assert bootstrap.parse(SHIM, said) == started


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "no address"),
        ("{broken", "unexpected answer"),
        ('{"version":3,"address":"unix:///s","protocol":"grpc"}', "speaks grpc"),
        ('{"version":9,"address":"unix:///s","protocol":"ttrpc"}', "version 9"),
    ],
)
def test_answers_of_start_that_are_refused(said: str, words: str) -> None:
    with pytest.raises(RuntimeFailed, match=words):
        bootstrap.parse(SHIM, said)


def test_events_are_published(tmp_path: Path) -> None:
    """By the program that shims may run, to the server that the monitor is."""
    home = Home(str(tmp_path), "c1")
    os.mkdir(home.path)
    loop = Loop()
    events = Events(loop, str(tmp_path), home)
    publish.install(str(tmp_path / "publish"))
    environment = {**os.environ, "TTRPC_ADDRESS": events.address}

    def tell(topic: str, message: protobuf.Message, **values: str) -> None:
        event = protobuf.encode(api.ANY, {"value": protobuf.encode(message, values)})
        words = ["--address", "/x", "publish", "--topic", topic, "--namespace=ns"]
        process = subprocess.Popen(
            [tmp_path / "publish", *words], env=environment, stdin=subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(event)
        process.stdin.close()
        assert loop.until(lambda: _turned(process), 30)
        assert process.returncode == 0

    def _turned(process: subprocess.Popen[bytes]) -> bool:
        loop.turn(0.01)
        return process.poll() is not None

    tell("/tasks/oom", api.OOM_EVENT, container_id="c1")
    tell("/tasks/oom", api.OOM_EVENT, container_id="../c1")
    tell("/tasks/exit", api.EXIT_EVENT, container_id="c1", id="session")
    assert os.path.exists(home.oom)
    assert not os.path.exists(home.exited)
    tell("/tasks/exit", api.EXIT_EVENT, container_id="c1", id="c1")
    assert os.path.exists(home.exited)
    assert sorted(os.listdir(tmp_path)) == ["c1", "publish"]
    done = subprocess.run(
        [sys.executable, "-c", f"from {publish.__name__} import main; main()"],
        env={**os.environ, "TTRPC_ADDRESS": "/nowhere"},
        input=b"",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"no shim answers" in done.stderr) == (1, True)


def test_statistics_of_both_kinds() -> None:
    old = {"pids": {"current": 3}, "cpu": {"usage": {"total": 5, "kernel": 4}},
           "memory": {"usage": {"limit": 9, "usage": 7}},
           "blkio": {"bytes": [{"op": "Read", "value": 1},
                               {"op": "Write", "value": 2}]}}  # fmt: skip
    new = {"pids": {"current": 3}, "cpu": {"usage_usec": 5, "system_usec": 4},
           "memory": {"usage": 7},
           "io": {"usage": [{"rbytes": 1, "wbytes": 2}, {"rbytes": 1}]}}  # fmt: skip
    first = measured("io.containerd.cgroups.v1.Metrics", protobuf.encode(api.METRICS_V1, old))
    second = measured("io.containerd.cgroups.v2.Metrics", protobuf.encode(api.METRICS_V2, new))
    assert first is not None and second is not None
    assert list(first.as_dict().values()) == [7, 9, 3, 5, 1, 2, 4]
    assert list(second.as_dict().values()) == [7, 0, 3, 5000, 2, 2, 4000]
    assert measured("something.else", b"") is None
