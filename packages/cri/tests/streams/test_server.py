"""The streaming server, with clients of both protocols on real connections."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    RejectConnection,
    Request,
    TextMessage,
)

from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.streams import spdy

PATIENCE = 120.0
RESIZED = b"until test \"$(stty size)\" = '%s'; do sleep 0.1; done; echo re''sized\n"
"""Typed to a shell: it says so once its terminal has this size."""
ALL = {"stdin": True, "stdout": True, "stderr": True}
TTY = {"stdin": True, "stdout": True, "tty": True}


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), PATIENCE)


class Spdy:
    """A client of SPDY/3.1, as kubectl is one."""

    def __init__(self, url: str, *protocols: str) -> None:
        self.socket = connected(url)
        lines = [f"POST {urlsplit(url).path} HTTP/1.1", "Host: x", "Connection: Upgrade"]
        lines += ["Upgrade: SPDY/3.1", *(f"X-Stream-Protocol-Version: {one}" for one in protocols)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.head = ""
        data = b""
        while b"\r\n\r\n" not in data:
            received = self.socket.recv(4096)
            if not received:
                break
            data += received
        head, _, self.unread = data.partition(b"\r\n\r\n")
        self.head = head.decode()
        self.spdy = spdy.Connection()
        self.received: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.number = -1

    def open(self, **headers: str) -> int:
        self.number += 2
        self.socket.sendall(self.spdy.syn_stream_frame(self.number, headers))
        self.received[self.number] = bytearray()
        return self.number

    def send(self, stream: int, data: bytes, *, fin: bool = False) -> None:
        self.socket.sendall(spdy.data_frame(stream, data, fin=fin))

    def read(self) -> bool:
        """Some more; False at the end."""
        data, self.unread = self.unread or self.socket.recv(65536), b""
        for event in self.spdy.receive(data):
            if isinstance(event, spdy.Data):
                self.received[event.stream] += event.data
                if event.fin:
                    self.ended.add(event.stream)
        return bool(data)

    def until(self, stream: int, text: bytes) -> None:
        while text not in self.received[stream]:
            assert self.read(), self.received

    def until_end(self, *streams: int) -> None:
        while not set(streams) <= self.ended:
            assert self.read(), (self.received, self.ended)


class Socket:
    """A client of WebSocket."""

    def __init__(self, url: str, *protocols: str) -> None:
        self.socket = connected(url)
        self.connection = WSConnection(ConnectionType.CLIENT)
        path = urlsplit(url).path
        request = Request(host="x", target=path, subprotocols=list(protocols))
        self.socket.sendall(self.connection.send(request))
        self.received: dict[int, bytearray] = {}
        self.raw = bytearray()
        self.answer: Any = None
        self.code = 0
        while self.answer is None:
            assert self.read()

    def read(self) -> bool:
        data = self.socket.recv(65536)
        self.connection.receive_data(data or None)
        for event in self.connection.events():
            if isinstance(event, (AcceptConnection, RejectConnection)):
                self.answer = event
            elif isinstance(event, (BytesMessage, TextMessage)):
                content = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
                self.raw += content
                if event.message_finished:
                    self._message(bytes(self.raw), text=isinstance(event, TextMessage))
                    self.raw.clear()
            elif isinstance(event, CloseConnection):
                self.code = event.code
        return bool(data)

    def _message(self, message: bytes, *, text: bool) -> None:
        if not message:
            return
        channel = int(message[:1]) if text else message[0]
        content = base64.b64decode(message[1:]) if text else message[1:]
        self.received.setdefault(channel, bytearray()).extend(content)

    def send(self, channel: int, data: bytes, *, text: bool = False) -> None:
        message: Any = BytesMessage(data=bytes((channel,)) + data)
        if text:
            message = TextMessage(data=f"{channel}{base64.b64encode(data).decode()}")
        self.socket.sendall(self.connection.send(message))

    def until(self, channel: int, text: bytes) -> None:
        while text not in self.received.get(channel, b""):
            assert self.read(), self.received

    def until_closed(self) -> None:
        while not self.code and self.read():
            pass


@pytest.fixture
def container(kubelet: Any) -> str:
    return str(kubelet.run(kubelet.pod(), "sleep", "100"))


def url(kubelet: Any, container: str, *command: str, **options: bool) -> str:
    found = kubelet.client.exec(container_id=container, cmd=command, **options).url
    return str(found)


def exit_code(status: bytes | bytearray) -> int:
    found = json.loads(bytes(status))
    if found["status"] == "Success":
        return 0
    assert found["reason"] == "NonZeroExitCode"
    return int(found["details"]["causes"][0]["message"])


@pytest.mark.e2e
def test_exec_by_spdy(kubelet: Any, container: str) -> None:
    script = "cat; echo bad >&2; exit 3"
    client = Spdy(url(kubelet, container, "sh", "-c", script, **ALL), "v4.channel.k8s.io")
    assert client.head.startswith("HTTP/1.1 101")
    assert "X-Stream-Protocol-Version: v4.channel.k8s.io" in client.head
    error, stdin, out, err = (
        client.open(streamType=name) for name in ("error", "stdin", "stdout", "stderr")
    )
    client.send(stdin, b"one\n")
    client.send(stdin, b"two\n", fin=True)
    client.until_end(error, out, err)
    assert bytes(client.received[out]) == b"one\ntwo\n"
    assert bytes(client.received[err]) == b"bad\n"
    assert exit_code(client.received[error]) == 3


@pytest.mark.e2e
def test_the_first_protocol_tells_in_plain_text(kubelet: Any, container: str) -> None:
    client = Spdy(url(kubelet, container, "sh", "-c", "exit 3", stdout=True))
    error, out = client.open(streamType="error"), client.open(streamType="stdout")
    client.until_end(error, out)
    assert b"exit status 3" in client.received[error]
    client = Spdy(url(kubelet, container, "true", stdout=True), "channel.k8s.io")
    error, out = client.open(streamType="error"), client.open(streamType="stdout")
    client.until_end(error, out)
    assert not client.received[error]


@pytest.mark.e2e
def test_a_terminal_by_spdy_and_its_size(kubelet: Any, container: str) -> None:
    client = Spdy(url(kubelet, container, "sh", **TTY), "v4.channel.k8s.io")
    error, stdin, out, resize = (
        client.open(streamType=name) for name in ("error", "stdin", "stdout", "resize")
    )
    client.until(out, b"# ")
    client.send(resize, b'{"Width":99,"Height":33}\n{"Width":97,')
    client.send(resize, b'"Height":31}\n')
    client.send(stdin, RESIZED % b"31 97")
    client.until(out, b"resized")
    client.send(stdin, b"exit 5\n")
    client.until_end(error)
    assert exit_code(client.received[error]) == 5


@pytest.mark.e2e
def test_a_terminal_of_a_command_that_is_not_there_tells_why(kubelet: Any, container: str) -> None:
    """As `kubectl exec -it POD -- bash` in an image without bash; crun tells its terminal alone."""
    client = Spdy(url(kubelet, container, "bash", **TTY), "v4.channel.k8s.io")
    error, *_ = (client.open(streamType=name) for name in ("error", "stdin", "stdout", "resize"))
    client.until_end(error)
    assert "`bash` not found in $PATH" in json.loads(bytes(client.received[error]))["message"]


@pytest.mark.e2e
@pytest.mark.parametrize(
    "protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"]
)
def test_exec_by_websocket(kubelet: Any, container: str, protocol: str) -> None:
    script = "read line; echo got $line; echo bad >&2; exit 3"
    client = Socket(url(kubelet, container, "sh", "-c", script, **ALL), protocol)
    assert client.answer.subprotocol == protocol
    client.send(0, b"one\n", text="base64" in protocol)
    client.until_closed()
    assert bytes(client.received[1]) == b"got one\n"
    assert bytes(client.received[2]) == b"bad\n"
    assert exit_code(client.received[3]) == 3
    assert client.code == 1000


@pytest.mark.e2e
def test_half_close_by_websocket(kubelet: Any, container: str) -> None:
    client = Socket(url(kubelet, container, "cat", **ALL), "v5.channel.k8s.io")
    client.send(0, b"all of it")
    client.send(255, b"\0")
    client.until_closed()
    assert bytes(client.received[1]) == b"all of it"
    assert exit_code(client.received[3]) == 0


@pytest.mark.e2e
def test_a_terminal_by_websocket(kubelet: Any, container: str) -> None:
    client = Socket(url(kubelet, container, "sh", **TTY), "v5.channel.k8s.io")
    client.until(1, b"# ")
    client.send(4, b'{"Width":99,"Height":33}')
    client.send(0, RESIZED % b"33 99")
    client.until(1, b"resized")
    client.send(0, b"exit 0\n")
    client.until_closed()
    assert exit_code(client.received[3]) == 0


@pytest.mark.e2e
def test_much_output_arrives_whole(kubelet: Any, container: str) -> None:
    words = ("head", "-c", "3000000", "/dev/zero")
    client = Spdy(url(kubelet, container, *words, stdout=True), "v4.channel.k8s.io")
    error, out = client.open(streamType="error"), client.open(streamType="stdout")
    client.until_end(error, out)
    assert len(client.received[out]) == 3_000_000
    socket_client = Socket(url(kubelet, container, *words, stdout=True), "v5.channel.k8s.io")
    socket_client.until_closed()
    assert len(socket_client.received[1]) == 3_000_000


@pytest.mark.e2e
def test_attach_by_both(kubelet: Any) -> None:
    script = "while read line; do echo bad >&2; echo got $line; [ $line = end ] && exit; done"
    pod = kubelet.pod()
    container = kubelet.run(pod, "sh", "-c", script, stdin=True)
    asked = {"container_id": container, "stdin": True, "stdout": True, "stderr": True}
    first = Spdy(kubelet.client.attach(**asked).url, "v4.channel.k8s.io")
    streams = [first.open(streamType=name) for name in ("error", "stdin", "stdout", "stderr")]
    first.send(streams[1], b"one\n")
    first.until(streams[2], b"got one\n")
    first.until(streams[3], b"bad\n")
    second = Socket(kubelet.client.attach(**asked).url, "v5.channel.k8s.io")
    second.send(0, b"end\n")
    second.until_closed()
    assert b"got end\n" in second.received[1]
    assert b"bad\n" in second.received[2]
    first.until_end(streams[0])
    assert exit_code(first.received[streams[0]]) == 0


@pytest.mark.e2e
@pytest.mark.parametrize("once", [False, True])
def test_stdin_ends_with_the_first_client_only_where_it_is_for_one(
    kubelet: Any, once: bool
) -> None:
    script = "while read line; do echo got $line; [ $line = end ] && exit 3; done; exit 4"
    container = kubelet.run(kubelet.pod(), "sh", "-c", script, stdin=True, stdin_once=once)
    asked = {"container_id": container, "stdin": True, "stdout": True, "stderr": True}
    first = Spdy(kubelet.client.attach(**asked).url, "v4.channel.k8s.io")
    streams = [first.open(streamType=name) for name in ("error", "stdin", "stdout", "stderr")]
    first.send(streams[1], b"one\n")
    first.until(streams[2], b"got one\n")
    first.socket.close()
    if not once:
        second = Socket(kubelet.client.attach(**asked).url, "v5.channel.k8s.io")
        second.send(0, b"end\n")
        second.until_closed()
    assert kubelet.ended(container).exit_code == (4 if once else 3)


def listener(kubelet: Any) -> str:
    """A pod that answers on 8099."""
    pod = kubelet.pod(kubelet.pod_config("own", network=cri.POD))
    kubelet.run(pod, "sh", "-c", "while nc -l -p 8099 -e cat; do :; done")
    return str(pod)


@pytest.mark.e2e
def test_ports_by_spdy(kubelet: Any) -> None:
    pod = listener(kubelet)
    client = Spdy(
        kubelet.client.port_forward(pod_sandbox_id=pod, port=[8099]).url, "portforward.k8s.io"
    )
    assert "X-Stream-Protocol-Version: portforward.k8s.io" in client.head
    for request in ("1", "2"):
        for _ in range(50):
            error = client.open(streamtype="error", port="8099", requestid=request)
            data = client.open(streamtype="data", port="8099", requestid=request)
            client.send(data, b"ping", fin=True)
            client.until_end(error, data)
            if not client.received[error]:
                break
            time.sleep(0.1)  # nobody listens yet
        assert bytes(client.received[data]) == b"ping"
    error = client.open(streamtype="error", port="8098", requestid="3")
    data = client.open(streamtype="data", port="8098", requestid="3")
    client.until_end(error, data)
    assert b"8098" in client.received[error]


@pytest.mark.e2e
def test_ports_by_websocket(kubelet: Any) -> None:
    pod = listener(kubelet)
    for _ in range(50):
        asked = kubelet.client.port_forward(pod_sandbox_id=pod, port=[8099]).url
        client = Socket(asked, "v4.channel.k8s.io")
        client.send(0, b"ping")
        client.until(0, struct.pack("<H", 8099))
        client.until(1, struct.pack("<H", 8099))
        while len(client.received[0]) < 6 and len(client.received[1]) < 3:
            assert client.read()
        if len(client.received[0]) == 6:
            break
        time.sleep(0.1)
    assert bytes(client.received[0]) == struct.pack("<H", 8099) + b"ping"


@pytest.mark.e2e
def test_tokens_are_for_one_use_and_one_kind(kubelet: Any, container: str) -> None:
    used = url(kubelet, container, "true", stdout=True)
    client = Spdy(used, "v4.channel.k8s.io")
    streams = [client.open(streamType=name) for name in ("error", "stdout")]
    client.until_end(*streams)
    assert " 404 " in Spdy(used, "v4.channel.k8s.io").head
    other = url(kubelet, container, "true", stdout=True).replace("/exec/", "/attach/")
    assert " 404 " in Spdy(other).head
    unknown = url(kubelet, container, "true", stdout=True)
    assert " 403 " in Spdy(unknown, "v9.channel.k8s.io").head
    refused = Socket(url(kubelet, container, "true", stdout=True), "v9.channel.k8s.io")
    assert isinstance(refused.answer, RejectConnection) and refused.answer.status_code == 400
    plain = connected(used)
    plain.sendall(b"GET /exec/x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 400 " in plain.recv(4096)


@pytest.mark.e2e
def test_what_is_refused_at_once(kubelet: Any, container: str) -> None:
    for words, fields in (
        (["true"], {}),
        (["true"], {"stdout": True, "stderr": True, "tty": True}),
        ([], {"stdout": True}),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            kubelet.client.exec(container_id=container, cmd=words, **fields)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    for fields in ({}, {"stdout": True, "stderr": True, "tty": True}):
        with pytest.raises(grpc.RpcError) as caught:
            kubelet.client.attach(container_id=container, **fields)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        url(kubelet, "nobody", "true", stdout=True)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.e2e
def test_a_client_that_talks_nonsense_harms_nobody(kubelet: Any, container: str) -> None:
    for data in (
        b"\x80\x02\x00\x01\x00\x00\x00\x00",
        b"\x00" * 4 + b"\xff" * 400,
        b"\x80\x03\x00\x01",
    ):
        client = Spdy(url(kubelet, container, "cat", **ALL), "v4.channel.k8s.io")
        client.socket.sendall(data)
        client.socket.close()
    client = Spdy(url(kubelet, container, "echo", "fine", stdout=True), "v4.channel.k8s.io")
    streams = [client.open(streamType=name) for name in ("error", "stdout")]
    client.until_end(*streams)
    assert bytes(client.received[streams[1]]) == b"fine\n"


@pytest.mark.e2e
def test_a_connection_that_says_nothing_ends(server: Any, make_kubelet: Any) -> None:
    server.crio.write_text('[crio.api]\nstream_idle_timeout = "3s"\n')
    kubelet = make_kubelet()
    container = kubelet.run(kubelet.pod(), "sleep", "1000")
    client = Spdy(url(kubelet, container, "cat", **ALL), "v4.channel.k8s.io")
    streams = {
        name: client.open(streamType=name) for name in ("error", "stdin", "stdout", "stderr")
    }
    begun = time.monotonic()
    for _ in range(3):  # it is not idle while something comes
        time.sleep(1.5)
        client.send(streams["stdin"], b"x")
    client.until_end(streams["stdout"])
    assert bytes(client.received[streams["stdout"]]) == b"xxx"
    assert time.monotonic() - begun > 4.5 + 2


CRICTL = shutil.which("crictl")


@pytest.mark.e2e
@pytest.mark.skipif(CRICTL is None, reason="crictl is not on PATH")
@pytest.mark.parametrize("transport", ["spdy", "websocket"])
def test_crictl_streams(kubelet: Any, container: str, transport: str, tmp_path: Path) -> None:
    words = [str(CRICTL), "--runtime-endpoint", f"unix://{kubelet.server.socket}", "--config",
             str(tmp_path / "crictl.yaml")]  # fmt: skip
    (tmp_path / "crictl.yaml").write_text("{}\n")
    done = subprocess.run(
        [*words, "exec", "--transport", transport, "-i", container, "sh", "-c", "cat; exit 4"],
        input=b"typed\n", capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stdout == b"typed\n", done.stderr
    assert done.returncode != 0 and b"exit" in done.stderr
    pod = listener(kubelet)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    forward = subprocess.Popen(
        [*words, "port-forward", "--transport", transport, pod, f"{port}:8099"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    try:
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as client:
                    client.sendall(b"ping")
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(5)
                    if client.recv(100) == b"ping":
                        break
            except OSError:
                pass
            time.sleep(0.1)
        else:
            raise AssertionError("nothing came through")
    finally:
        forward.terminate()
        forward.wait(PATIENCE)
