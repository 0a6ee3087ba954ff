"""The gRPC server alone, with an ordinary client: statuses, streams, how calls and it end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.core.errors import NoSuchContainer
from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.rpc.methods import Method
from rundlet.cri.rpc.server import Server
from rundlet.cri.telemetry.observer import Observer

LARGE = 1 << 20
STREAMS = ("many", "fails")


class Service:
    """Methods by name; what they see of their ends."""

    def __init__(self) -> None:
        self.sent = 0
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.go_on = asyncio.Event()

    def at_once(self, request: cri.VersionRequest) -> bytes:
        if request.version == "wrong":
            raise NoSuchContainer("web")
        return cri.VersionResponse(version=request.version).SerializeToString()

    async def later(self, request: cri.VersionRequest) -> cri.VersionResponse:
        await asyncio.sleep(0)
        if request.version == "wrong":
            raise NoSuchContainer("web")
        if request.version == "broken":
            raise ZeroDivisionError
        size = LARGE if request.version == "large" else 0
        return cri.VersionResponse(version=request.version, runtime_name="x" * size)

    async def waits(self, _: cri.VersionRequest) -> cri.VersionResponse:
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            self.ended.set()
        return cri.VersionResponse(version="done")

    async def many(self, _: cri.VersionRequest) -> AsyncIterator[cri.VersionResponse]:
        self.begun.set()
        try:
            for number in range(1000):
                self.sent = number
                yield cri.VersionResponse(version=str(number), runtime_name="x" * 10_000)
        finally:
            self.ended.set()

    async def fails(self, _: cri.VersionRequest) -> AsyncIterator[cri.VersionResponse]:
        yield cri.VersionResponse(version="first")
        raise NoSuchContainer("web")


class Running:
    """The server in an event loop of a thread of its own, and a client."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stopped = False
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.do(self._start())
        self.channel = grpc.insecure_channel(f"unix:{path}")

    def do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _start(self) -> None:
        self.service = Service()
        found = {
            f"/s/{name}": Method(
                "s",
                name,
                cri.VersionRequest,
                name in ("many", "fails"),
                getattr(self.service, name),
            )
            for name in ("at_once", "later", "waits", "many", "fails")
        }
        limits = ("grpc.max_send_message_length", "grpc.max_receive_message_length")
        self.server = Server(found, Observer(), [(name, LARGE // 2) for name in limits])
        self.server.start(str(self.path))

    def call(self, name: str, version: str = "", **options: Any) -> Any:
        return self.method(name)(cri.VersionRequest(version=version), **options)

    def method(self, name: str) -> Any:
        kind = self.channel.unary_stream if name in STREAMS else self.channel.unary_unary
        make: Callable[[cri.VersionRequest], bytes] = cri.VersionRequest.SerializeToString
        return kind(
            f"/s/{name}",
            request_serializer=make,
            response_deserializer=cri.VersionResponse.FromString,
        )

    def stop(self, grace: float) -> None:
        self.stopped = True
        self.do(self.server.stop(grace))

    def raw(self, name: str, request: bytes) -> None:
        """A call of bytes, whatever they are."""
        whole: Any = self.channel.unary_unary(f"/s/{name}")
        whole(request)

    def close(self) -> None:
        self.channel.close()
        try:
            if not self.stopped:
                self.stop(0)
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "s")
    yield made
    made.close()


def code(caught: pytest.ExceptionInfo[grpc.RpcError]) -> grpc.StatusCode:
    return caught.value.code()


@pytest.mark.parametrize("name", ["at_once", "later"])
def test_an_answer_and_an_error(running: Running, name: str) -> None:
    assert running.call(name, "v1").version == "v1"
    with pytest.raises(grpc.RpcError, match="web") as caught:
        running.call(name, "wrong")
    assert code(caught) == grpc.StatusCode.NOT_FOUND


def test_only_root_may_connect(running: Running) -> None:
    assert running.path.stat().st_mode & 0o777 == 0o700


def test_an_error_of_ours_is_told_and_the_server_goes_on(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(grpc.RpcError, match="ZeroDivisionError") as caught:
        running.call("later", "broken")
    assert code(caught) == grpc.StatusCode.INTERNAL
    assert "later failed" in caplog.text
    assert running.call("later", "v1").version == "v1"


def test_what_is_no_call_of_ours(running: Running) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        running.raw("nothing", b"")
    assert code(caught) == grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as caught:
        running.raw("at_once", b"\xff\xff")
    assert code(caught) == grpc.StatusCode.INTERNAL
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(running.path))
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
        stranger.settimeout(20)
        while stranger.recv(4096):
            pass
    assert running.call("at_once", "v1").version == "v1"


def test_messages_over_the_limits(running: Running) -> None:
    for version in ("large", "x" * LARGE):
        with pytest.raises(grpc.RpcError) as caught:
            running.call("later", version)
        assert code(caught) == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert running.call("later", "v1").version == "v1"


def test_a_stream_comes_whole_and_in_order(running: Running) -> None:
    assert [int(one.version) for one in running.call("many")] == list(range(1000))
    answers = running.call("fails")
    assert next(answers).version == "first"
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert code(caught) == grpc.StatusCode.NOT_FOUND


def test_a_stream_waits_for_who_reads_it_and_ends_when_he_goes(running: Running) -> None:
    answers = running.call("many")
    next(answers)
    assert not running.service.ended.wait(0.5)
    assert running.service.sent < 900
    answers.cancel()
    assert running.service.ended.wait(30)


@pytest.mark.parametrize("how", ["deadline", "cancel", "closed"])
def test_a_call_ends_when_its_client_goes(running: Running, how: str) -> None:
    running.call("at_once", "v1")  # it is connected: the deadline is not that of connecting
    future = running.method("waits").future(
        cri.VersionRequest(), timeout=1 if how == "deadline" else None
    )
    assert running.service.begun.wait(30)
    if how == "cancel":
        future.cancel()
    elif how == "closed":
        running.channel.close()
    assert running.service.ended.wait(30)


def test_a_server_that_stops_lets_calls_end(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    future = running.method("waits").future(cri.VersionRequest())
    assert running.service.begun.wait(30)
    stopping = ThreadPoolExecutor(1).submit(running.stop, 30)
    while not running.server.stopping:
        time.sleep(0.01)
    with grpc.insecure_channel(f"unix:{running.path}") as late, pytest.raises(grpc.RpcError):
        whole: Any = late.unary_unary("/s/at_once")
        whole(b"", timeout=5)
    assert not stopping.done()
    running.loop.call_soon_threadsafe(running.service.go_on.set)
    assert future.result(30).version == "done"
    stopping.result(30)
    assert not caplog.records


def test_a_server_that_stops_does_not_wait_for_ever(running: Running) -> None:
    future = running.method("waits").future(cri.VersionRequest())
    assert running.service.begun.wait(30)
    running.stop(0.1)
    assert running.service.ended.is_set()
    with pytest.raises(grpc.RpcError):
        future.result(30)


def test_many_clients_at_once(running: Running) -> None:
    def ask(number: int) -> bool:
        name = "later" if number % 2 else "at_once"
        return bool(running.call(name, str(number)).version == str(number))

    with ThreadPoolExecutor(16) as clients:
        assert all(clients.map(ask, range(800)))
