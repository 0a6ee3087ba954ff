"""Clients whose deadline passes, handlers that change while pods run, many clients at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri


@pytest.mark.e2e
def test_a_server_that_stops_answers_who_has_asked(kubelet: Any) -> None:
    """Lists, too, which are looked up in the state until the last call has ended."""
    codes: set[grpc.StatusCode] = set()
    begun = threading.Barrier(5)

    def ask() -> None:
        begun.wait()
        try:
            while True:  # by a key of its own, so that each is made anew
                chosen = cri.ImageSpec(image=str(time.monotonic_ns()))
                kubelet.client.list_images(filter=cri.ImageFilter(image=chosen))
        except grpc.RpcError as error:
            codes.add(error.code())

    with ThreadPoolExecutor(4) as clients:
        for _ in range(4):
            clients.submit(ask)
        begun.wait()
        time.sleep(0.3)
        assert kubelet.server.stop() == 0
    assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert "cannot be read" not in kubelet.server.log.read_text()


@pytest.mark.e2e
def test_work_goes_on_and_a_retry_joins_it(kubelet: Any) -> None:
    client = kubelet.client
    wanted = kubelet.pod_config("slow", network=cri.POD)
    for _ in range(3):
        with contextlib.suppress(grpc.RpcError):
            client.run_pod_sandbox(config=wanted, deadline=0.02)
    pod = client.run_pod_sandbox(config=wanted).pod_sandbox_id
    assert [item.id for item in client.list_pod_sandbox().items] == [pod]
    config = kubelet.config("sh", "-c", "trap '' TERM; sleep 60 & wait")
    for _ in range(3):
        with contextlib.suppress(grpc.RpcError):
            client.create_container(pod_sandbox_id=pod, config=config, deadline=0.02)
    container = kubelet.create(pod, config)
    assert [one.id for one in client.list_containers().containers] == [container]
    client.start_container(container_id=container)
    time.sleep(0.3)
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        client.stop_container(container_id=container, timeout=2, deadline=0.5)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    client.stop_container(container_id=container, timeout=2)
    assert time.monotonic() - began < 60
    assert kubelet.status(container).exit_code == 137


@pytest.mark.e2e
def test_different_pods_of_one_name_are_refused(kubelet: Any) -> None:
    wanted = kubelet.pod_config()
    pod = kubelet.pod(wanted)
    wanted.labels["changed"] = "yes"
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.pod(wanted)
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert pod in caught.value.details()


def memory(process: int) -> int:
    """Resident MiB of a process."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_clients_make_and_remove_a_hundred_pods(
    kubelet: Any, record_property: Callable[[str, object], None]
) -> None:
    """All at once: no error, no leftover, and the server's memory stays within bounds."""
    client, run = kubelet.client, kubelet.server.runroot
    before = memory(kubelet.server.process.pid)

    def make(number: int) -> str:
        config = kubelet.pod_config(f"p{number}", network=cri.POD)
        pod = client.run_pod_sandbox(config=config, deadline=300).pod_sandbox_id
        wanted = kubelet.config("sleep", "600", name=f"c{number}")
        made = client.create_container(pod_sandbox_id=pod, config=wanted, deadline=300)
        client.start_container(container_id=made.container_id, deadline=300)
        return str(pod)

    def remove(pod: str) -> None:
        client.stop_pod_sandbox(pod_sandbox_id=pod, deadline=300)
        client.remove_pod_sandbox(pod_sandbox_id=pod, deadline=300)

    with ThreadPoolExecutor(10) as clients:
        pods = list(clients.map(make, range(100)))
        listed = client.list_containers(deadline=300).containers
        assert len(listed) == 100
        assert all(one.state == cri.CONTAINER_RUNNING for one in listed)
        addresses = {
            client.pod_sandbox_status(pod_sandbox_id=pod, deadline=300).status.network.ip
            for pod in pods
        }
        assert len(addresses) == 100
        full = memory(kubelet.server.process.pid)
        list(clients.map(remove, pods))
    after = memory(kubelet.server.process.pid)
    for name, value in (("before", before), ("with 100 pods", full), ("after", after)):
        record_property(f"server's memory {name} (MiB)", value)
    print(f"the server's memory: {before} MiB, with 100 pods {full}, after {after}")
    assert after < before + 100
    assert not client.list_pod_sandbox().items
    assert not client.list_containers().containers
    assert not list((run / "netns").iterdir())
    assert not list((run / "pods").iterdir())
    assert not list((run / "containers").iterdir())
    assert str(run) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.e2e
def test_handlers_change_while_pods_run(kubelet: Any, tmp_path: Path) -> None:
    """On SIGHUP the next pod has the new handler; pods that run keep theirs."""
    client, server = kubelet.client, kubelet.server
    old = kubelet.pod(kubelet.pod_config("old"))
    stays = kubelet.run(old, "sleep", "60")
    with pytest.raises(grpc.RpcError) as caught:
        client.run_pod_sandbox(config=kubelet.pod_config("early"), runtime_handler="mine")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    stop = threading.Event()
    failures: list[grpc.RpcError] = []

    def load() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                pod = kubelet.pod(kubelet.pod_config(f"load{number}"))
                client.remove_pod_sandbox(pod_sandbox_id=pod)
            except grpc.RpcError as error:
                failures.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(0.3)
    server.configuration.write_text('[runtimes.mine]\nkind = "runc"\npath = "/usr/sbin/runc"\n')
    os.kill(server.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 120
    while "mine" not in [handler.name for handler in client.status().runtime_handlers]:
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.1)
    new = client.run_pod_sandbox(
        config=kubelet.pod_config("new"), runtime_handler="mine"
    ).pod_sandbox_id
    stop.set()
    thread.join()
    assert not failures
    container = kubelet.run(new, "sleep", "60", name="other")
    assert kubelet.exec(container, "echo", "a")[1] == "a\n"
    assert kubelet.exec(stays, "echo", "b")[1] == "b\n"
    status = client.pod_sandbox_status(pod_sandbox_id=new).status
    assert status.runtime_handler == "mine"
    info = client.pod_sandbox_status(pod_sandbox_id=new, verbose=True).info["info"]
    assert json.loads(info)["runtime"] == "mine", "not which of its tables"
    server.configuration.write_text('[runtimes.mine]\nkind = "runc"\npath = "/no/such/runc"\n')
    os.kill(server.process.pid, signal.SIGHUP)
    while True:
        try:
            pod = client.run_pod_sandbox(
                config=kubelet.pod_config("late"), runtime_handler="mine"
            ).pod_sandbox_id
            client.remove_pod_sandbox(pod_sandbox_id=pod)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
            assert "/no/such/runc" in error.details()
            break
        assert time.monotonic() < deadline
