"""The server is killed again and again while clients work: all is right after each start.

What is killed when is a matter of chance; kinds of work one by one are in test_survival.py.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri

from .test_survival import clean, mounted

KILLS, CLIENTS = 4, 4
GONE = ("UNAVAILABLE", "CANCELLED", "UNKNOWN", "DEADLINE_EXCEEDED")


class Clients:
    """Kubelets that ask again while there is no server, and pods that come and go."""

    def __init__(self, kubelet: Any) -> None:
        self.kubelet = kubelet
        self.stop = threading.Event()
        self.problems: list[BaseException] = []

    def ask(self, name: str, **fields: Any) -> Any:
        deadline = time.monotonic() + 120
        while True:
            try:
                return getattr(self.kubelet.client, name)(deadline=30, **fields)
            except (grpc.RpcError, ValueError) as error:  # ValueError: its channel was closed
                code = error.code().name if isinstance(error, grpc.RpcError) else GONE[0]
                if code not in GONE or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def pod(self, name: str, *command: str) -> tuple[str, str]:
        config = self.kubelet.pod_config(name, network=cri.POD)
        pod = self.ask("run_pod_sandbox", config=config).pod_sandbox_id
        wanted = self.kubelet.config(*command)
        wanted.log_path = f"{name}.log"
        made = self.ask("create_container", pod_sandbox_id=pod, config=wanted).container_id
        try:
            self.ask("start_container", container_id=made)
        except grpc.RpcError as error:  # it was started by a killed server, and has ended
            if "is exited, not created" not in error.details():
                raise
        return pod, made

    def work(self, number: int) -> None:
        turn = 0
        while not self.stop.is_set():
            turn += 1
            with self.noted():
                self.one(f"w{number}-{turn}", ends=turn % 2 == 0)

    @contextlib.contextmanager
    def noted(self) -> Any:
        try:
            yield
        except BaseException as error:
            self.problems.append(error)
            self.stop.set()

    def one(self, name: str, *, ends: bool) -> None:
        pod, container = self.pod(name, *(("sh", "-c", "exit 7") if ends else ("sleep", "600")))
        if ends:
            code = 7
            while (status := self.status(container)).state != cri.CONTAINER_EXITED:
                time.sleep(0.05)
        else:
            code = 137
            said = self.ask("exec_sync", container_id=container, cmd=["echo", "hello"])
            assert said.stdout == b"hello\n"
            self.ask("stop_container", container_id=container, timeout=0)
            status = self.status(container)
        assert (status.state, status.exit_code) == (cri.CONTAINER_EXITED, code)
        self.ask("stop_pod_sandbox", pod_sandbox_id=pod)
        self.ask("remove_pod_sandbox", pod_sandbox_id=pod)

    def status(self, container: str) -> cri.ContainerStatus:
        found: cri.ContainerStatus = self.ask("container_status", container_id=container).status
        return found


@pytest.mark.e2e
@pytest.mark.slow
def test_nothing_is_lost_and_nothing_left(kubelet: Any) -> None:
    clients, chance = Clients(kubelet), random.Random(1)
    pod, lives = clients.pod("stays", "sleep", "600")
    address = kubelet.client.pod_sandbox_status(pod_sandbox_id=pod).status.network.ip
    threads = [threading.Thread(target=clients.work, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.5))  # into whatever is under way then
            kubelet.server.kill()
            kubelet.again()
            status = kubelet.client.pod_sandbox_status(pod_sandbox_id=pod).status
            assert (status.state, status.network.ip) == (cri.SANDBOX_READY, address)
            assert kubelet.status(lives).state == cri.CONTAINER_RUNNING
            assert kubelet.exec(lives, "echo", "alive")[1] == "alive\n"
    finally:
        clients.stop.set()
        for thread in threads:
            thread.join()
    assert not clients.problems
    kubelet.client.remove_pod_sandbox(pod_sandbox_id=pod)
    server = kubelet.server
    assert not kubelet.client.list_pod_sandbox().items
    assert not kubelet.client.list_containers().containers
    for name in ("netns", "pods", "containers", "exits"):
        assert not list((server.runroot / name).iterdir()), name
    assert not list((server.runroot / "oci").glob("*/*"))
    assert not mounted(server)
    assert not list(Path("/sys/fs/cgroup").glob(f"*/rundlet-cri-tests/*{lives}*"))
    clean(server)
