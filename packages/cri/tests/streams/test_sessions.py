"""The engine's end of exec, attach and port-forward, with a client in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from threading import Thread
from typing import Any

import pytest

from devtools.waiting import until
from rundlet.core.errors import NetworkError, RuntimeFailed, WrongState
from rundlet.core.settings.snapshot import Settings
from rundlet.cri.config.model import defaults
from rundlet.cri.config.setup import make
from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.server.work import Workers
from rundlet.cri.streams import forward, sessions

Session = Callable[[Workers], Awaitable[Any]]


class Terminal:
    """A client that types `keys`, then closes its input, and keeps what it sees."""

    def __init__(self, *keys: bytes, sizes: tuple[tuple[int, int], ...] = ()) -> None:
        self._keys = list(keys)
        self._sizes = sizes
        self.seen = bytearray()
        self.errors = bytearray()

    async def read(self) -> bytes:
        await asyncio.sleep(0.3)
        return self._keys.pop(0) if self._keys else b""

    async def write(self, data: bytes, *, stderr: bool) -> None:
        (self.errors if stderr else self.seen).extend(data)

    async def sizes(self) -> AsyncIterator[tuple[int, int]]:
        for size in self._sizes:
            yield size
        await asyncio.Event().wait()


def serve(kubelet: Any, session: Session) -> Any:
    """Run a session in a loop of our own, over the engine of the server."""
    server = kubelet.server
    settings = Settings(graph_root=str(server.root), run_root=str(server.runroot))
    workers = Workers(make(settings, defaults()), threads=4)

    async def run() -> Any:
        return await asyncio.wait_for(session(workers), 60)

    try:
        return asyncio.run(run())
    finally:
        workers.close()


@pytest.mark.e2e
def test_exec_with_pipes(kubelet: Any) -> None:
    container = kubelet.run(kubelet.pod(), "sleep", "60")
    client = Terminal(b"one\n", b"two\n")

    async def session(workers: Workers) -> int:
        return await sessions.execute(
            workers, container, ["sh", "-c", "cat; echo bad >&2; exit 3"],
            terminal=False, ends=client, stdin=True,
        )  # fmt: skip

    assert serve(kubelet, session) == 3
    assert bytes(client.seen) == b"one\ntwo\n"
    assert bytes(client.errors) == b"bad\n"


@pytest.mark.e2e
def test_exec_sends_all_of_much_output(kubelet: Any) -> None:
    container = kubelet.run(kubelet.pod(), "sleep", "60")
    client = Terminal()
    command = ["head", "-c", "3000000", "/dev/zero"]

    async def session(workers: Workers) -> int:
        return await sessions.execute(
            workers, container, command, terminal=False, ends=client, stdin=False
        )

    assert serve(kubelet, session) == 0
    assert len(client.seen) == 3_000_000


@pytest.mark.e2e
def test_exec_with_a_terminal_that_changes_its_size(kubelet: Any) -> None:
    container = kubelet.run(kubelet.pod(), "sleep", "60")
    client = Terminal(b"stty size\n", b"exit 5\n", sizes=((33, 99),))

    async def session(workers: Workers) -> int:
        return await sessions.execute(
            workers, container, ["sh"], terminal=True, ends=client, stdin=True
        )

    assert serve(kubelet, session) == 5
    assert b"33 99" in client.seen


@pytest.mark.e2e
def test_exec_while_the_container_is_given_time_to_end(kubelet: Any) -> None:
    script = "trap 'touch /asked' TERM; until [ -e /end ]; do sleep 0.1; done"
    container = kubelet.run(kubelet.pod(), "sh", "-c", script)
    stopping = Thread(
        target=kubelet.client.stop_container, kwargs={"container_id": container, "timeout": 60}
    )
    stopping.start()
    until(lambda: kubelet.exec(container, "test", "-e", "/asked")[0] == 0)
    assert kubelet.status(container).state == cri.CONTAINER_RUNNING
    client = Terminal()

    async def session(workers: Workers) -> int:
        return await sessions.execute(
            workers, container, ["touch", "/end"], terminal=False, ends=client, stdin=False
        )

    url = kubelet.client.exec(container_id=container, cmd=["true"], stdout=True).url
    assert url.startswith("http")
    assert serve(kubelet, session) == 0
    stopping.join()
    assert kubelet.status(container).exit_code == 0


@pytest.mark.e2e
def test_exec_that_cannot_be(kubelet: Any) -> None:
    container = kubelet.run(kubelet.pod(), "sleep", "60")

    async def session(workers: Workers) -> int:
        return await sessions.execute(
            workers, container, ["/no/such"], terminal=False, ends=Terminal(), stdin=False
        )

    with pytest.raises(RuntimeFailed):
        serve(kubelet, session)


@pytest.mark.e2e
def test_attach_sees_output_and_types(kubelet: Any) -> None:
    script = "read line; echo got $line; echo done"
    container = kubelet.run(kubelet.pod(), "sh", "-c", script, stdin=True)
    client = Terminal(b"hello\n")

    async def session(workers: Workers) -> None:
        await sessions.attach(workers, container, ends=client, stdin=True)

    serve(kubelet, session)
    assert bytes(client.seen) == b"got hello\ndone\n"
    kubelet.ended(container)
    with pytest.raises(WrongState):
        serve(kubelet, session)


@pytest.mark.e2e
def test_ports_are_those_of_the_pod(kubelet: Any) -> None:
    pod = kubelet.pod(kubelet.pod_config("own", network=cri.POD))
    kubelet.run(pod, "sh", "-c", "while echo pong | nc -l -p 8099; do :; done")

    async def session(workers: Workers) -> bytes:
        for _ in range(100):
            try:
                reader, writer = await forward.connect(workers, pod, 8099)
            except NetworkError:
                await asyncio.sleep(0.1)
                continue
            try:
                return await reader.read()
            finally:
                writer.close()
        raise AssertionError("nothing listens")

    assert serve(kubelet, session) == b"pong\n"

    async def refused(workers: Workers) -> None:
        await forward.connect(workers, pod, 8098)

    with pytest.raises(NetworkError, match="8098"):
        serve(kubelet, refused)
