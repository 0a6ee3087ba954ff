"""The configuration changes while pods are made: for the next pod; old ones keep theirs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.core import Engine
from rundlet.core.settings.snapshot import Settings
from rundlet.cri.server import reload

BEFORE = """
[crio.runtime]
default_runtime = "mine"
[crio.runtime.runtimes.mine]
runtime_path = "/usr/bin/runc"
runtime_root = "{root}"
"""
AFTER = """
[crio.runtime]
default_runtime = "second"
[crio.runtime.runtimes.second]
runtime_path = "/usr/bin/crun"
runtime_root = "{root}"
"""


def binary(kubelet: Any, container: str) -> str:
    """The OCI runtime of a container, as a tool finds it that knows no crio.conf."""
    server = kubelet.server
    settings = Settings(graph_root=str(server.root), run_root=str(server.runroot))
    with Engine(settings) as engine:
        return str(engine.plugins.runtime(engine.containers.get(container).runtime).config.path)


class Load:
    """Clients that make and remove pods all the time; what went wrong with any."""

    def __init__(self, kubelet: Any, clients: int = 3) -> None:
        self._kubelet = kubelet
        self._stop = threading.Event()
        self.errors: list[str] = []
        self.made = 0
        self._threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(clients)
        ]

    def _work(self, number: int) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            try:
                pod = self._kubelet.pod(self._kubelet.pod_config(f"load-{number}-{turn}"))
                self._kubelet.client.remove_pod_sandbox(pod_sandbox_id=pod)
            except grpc.RpcError as error:
                self.errors.append(error.details())
            self.made += 1

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.e2e
def test_handlers_change_under_load(server: Any, registry: Any, make_kubelet: Any) -> None:
    root = server.directory / "oci"
    server.crio.write_text(BEFORE.format(root=root))
    kubelet = make_kubelet()
    client = kubelet.client
    pod = kubelet.pod()
    old = kubelet.run(pod, "sleep", "1000")
    assert binary(kubelet, old) == "/usr/bin/runc"
    with Load(kubelet) as load:
        mark = server.log.stat().st_size
        server.crio.write_text(AFTER.format(root=root))
        server.process.send_signal(signal.SIGHUP)
        server.logged("configuration read again", after=mark)
        handlers = {handler.name for handler in client.status().runtime_handlers}
        assert "second" in handlers
        assert "mine" not in handlers
        made = load.made
        deadline = time.monotonic() + 60
        while load.made < made + 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(grpc.RpcError, match="no runtime handler 'mine'"):
            client.run_pod_sandbox(config=kubelet.pod_config("late"), runtime_handler="mine")
        new = kubelet.run(kubelet.pod(kubelet.pod_config("new")), "sleep", "1000")
    assert not load.errors
    assert binary(kubelet, new) == "/usr/bin/crun"
    assert binary(kubelet, old) == "/usr/bin/runc", "its handler is gone, its runtime is not"
    late = kubelet.run(pod, "sleep", "1000", name="late")
    assert binary(kubelet, late) == "/usr/bin/runc", "a container is run as its pod"
    assert kubelet.exec(old, "echo", "alive")[1] == "alive\n"
    client.stop_container(container_id=old, timeout=0)
    client.remove_pod_sandbox(pod_sandbox_id=pod)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[crio.runtime\n", "crio.conf"),
        ("[crio.runtime]\ndefault_runtime = 'no'\n", "there is no runtime 'no'"),
        (
            "[crio.runtime]\ndefault_runtime = 'x'\n"
            "[crio.runtime.runtimes.x]\nruntime_path = '/no/runc'\n",
            "/no/runc",
        ),
    ],
    ids=("broken", "unknown", "not there"),
)
def test_a_broken_configuration_is_refused(server: Any, client: Any, text: str, words: str) -> None:
    before = [handler.name for handler in client.status().runtime_handlers]
    mark = server.log.stat().st_size
    server.crio.write_text(text)  # seen without a signal
    said = server.logged("the configuration stays as it was", after=mark)
    assert words in said
    assert [handler.name for handler in client.status().runtime_handlers] == before


@pytest.mark.e2e
def test_systemd_is_told_of_each_step(server: Any, tmp_path: Path) -> None:
    path = server.sockets / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(60)
        server.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}

        def told(words: str) -> str:
            while words not in (text := systemd.recv(4096).decode()):
                assert text == "WATCHDOG=1", text
            return text

        server.start()
        told("READY=1")
        told("WATCHDOG=1")
        server.drop_ins.joinpath("10-more").write_text("[crio.runtime]\nlog_level = 'debug'\n")
        server.process.send_signal(signal.SIGHUP)
        now = int(told("RELOADING=1").partition("MONOTONIC_USEC=")[2])
        assert 0 < time.monotonic_ns() // 1000 - now < 60_000_000
        told("READY=1")
        server.drop_ins.joinpath("10-more").write_text("[crio.api]\nstream_port = '1'\n")
        server.logged("crio.api.stream_port has changed: it takes effect at the next start")
        os.kill(server.process.pid, signal.SIGTERM)
        told("STOPPING=1")
        assert server.process.wait(60) == 0
    server.environment = {}
    server.drop_ins.joinpath("10-more").unlink()


@pytest.mark.e2e
def test_systemd_hears_nothing_of_containers(server: Any, make_kubelet: Any) -> None:
    path = server.sockets / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as systemd:
        systemd.bind(str(path))
        server.environment = {"NOTIFY_SOCKET": str(path)}
        kubelet = make_kubelet()
        assert kubelet.output(kubelet.pod(), "sh", "-c", 'echo "<$NOTIFY_SOCKET>"').strip() == "<>"
        assert systemd.recv(4096) == b"READY=1"
        with pytest.raises(BlockingIOError):
            systemd.recv(4096)  # MAINPID= of a monitor would have systemd watch that
    server.environment = {}


@pytest.mark.e2e
def test_levels_of_the_log(server: Any) -> None:
    """debug tells of calls, and not what libraries say of each connection: that is for trace."""
    server.crio.write_text("[crio.runtime]\nlog_level = 'debug'\n")
    client = server.start()
    with pytest.raises(grpc.RpcError):
        client.container_status(container_id="nope")
    text = server.logged("ContainerStatus: NOT_FOUND in ")
    assert "Version: OK in " in text and "nope" in text
    assert "cygrpc" not in text


def test_changes_are_told_but_not_of_locks(tmp_path: Path) -> None:
    async def told(name: str, seconds: float) -> bool:
        heard = asyncio.Event()
        watching = asyncio.ensure_future(reload.watch([str(tmp_path)], heard.set))
        await asyncio.sleep(0)
        (tmp_path / name).write_text("x")
        try:
            await asyncio.wait_for(heard.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            watching.cancel()
        return True

    assert asyncio.run(told("10-mine.conflist", 60))
    for name in ("cni.lock", ".hidden"):
        assert not asyncio.run(told(name, 1))
