"""Containers over a real socket: created, run, executed in, stopped, removed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.core.state import containers as rows
from rundlet.core.state.database import Database
from rundlet.core.state.locks import Locks
from rundlet.cri.proto import api_pb2 as cri


@pytest.mark.e2e
def test_life_of_a_container(kubelet: Any) -> None:
    pod = kubelet.pod()
    client = kubelet.client
    wanted = kubelet.config(
        "sh", "-c", "echo out; echo err >&2; exit 3", labels={"a": "b"}, annotations={"c": "d"}
    )
    container = kubelet.create(pod, wanted)
    status = kubelet.status(container)
    assert (status.state, status.started_at) == (cri.CONTAINER_CREATED, 0)
    assert kubelet.create(pod, wanted) == container, "a retry joins"
    client.start_container(container_id=container)
    status = kubelet.ended(container)
    assert (status.exit_code, status.reason) == (3, "Error")
    assert status.created_at < status.started_at <= status.finished_at
    assert (dict(status.labels), dict(status.annotations)) == ({"a": "b"}, {"c": "d"})
    assert status.image_id == kubelet.image
    assert status.metadata == wanted.metadata
    assert status.log_path == str(kubelet.logs / "main.log")
    lines = Path(status.log_path).read_text().splitlines()
    assert sorted(line.split(" ", 1)[1] for line in lines) == ["stderr F err", "stdout F out"]
    with pytest.raises(grpc.RpcError) as caught:
        client.start_container(container_id=container)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    client.stop_container(container_id=container)
    client.remove_container(container_id=container)
    client.remove_container(container_id=container)
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.status(container)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.e2e
def test_lists_and_filters(kubelet: Any) -> None:
    pods = [kubelet.pod(kubelet.pod_config(name)) for name in ("one", "two")]
    notes = {"note": "of a"}
    first = kubelet.run(pods[0], "sleep", "60", name="a", labels={"x": "1"}, annotations=notes)
    second = kubelet.create(pods[1], kubelet.config("true", name="b", labels={"x": "2"}))

    def found(**fields: Any) -> list[str]:
        wanted = cri.ContainerFilter(**fields)
        items = [one.id for one in kubelet.client.list_containers(filter=wanted).containers]
        parts = kubelet.client.stream_containers(filter=wanted)
        assert [one.id for part in parts for one in part.containers] == items
        return items

    assert found() == [first, second]
    assert found(pod_sandbox_id=pods[1]) == [second]
    assert found(id=first[:13]) == [first]
    assert found(label_selector={"x": "2"}) == [second]
    running = cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)
    assert found(state=running) == [first]
    assert found(state=running, label_selector={"x": "2"}) == []
    created = cri.ContainerStateValue(state=cri.CONTAINER_CREATED)
    mine = {"pod_sandbox_id": pods[1], "id": second, "label_selector": {"x": "2"}}
    assert found(state=created, **mine) == [second]
    for other in ({"pod_sandbox_id": pods[0]}, {"id": first}, {"state": running}):
        assert found(**{"state": created, **mine, **other}) == []
    item, _ = kubelet.client.list_containers().containers
    status = kubelet.status(first)
    assert (item.pod_sandbox_id, item.image_ref) == (pods[0], kubelet.image)
    for field in ("metadata", "state", "created_at", "labels", "annotations", "image_id"):
        assert getattr(item, field) == getattr(status, field), field
    assert item.image.image == kubelet.image, "what it was made with"
    assert status.image.image.endswith("/busybox:latest"), "what people call it"


@pytest.mark.e2e
def test_stop_signals_then_kills(kubelet: Any) -> None:
    pod = kubelet.pod()
    script = "trap '%s' TERM; touch /trapped; sleep 600 & wait"
    polite = kubelet.run(pod, "sh", "-c", script % "exit 7", name="polite")
    deaf = kubelet.run(pod, "sh", "-c", script % "", name="deaf")
    for container in (polite, deaf):
        kubelet.exec(container, "sh", "-c", "until test -e /trapped; do sleep 0.05; done")
    kubelet.client.stop_container(container_id=polite, timeout=100)
    assert kubelet.status(polite).exit_code == 7
    kubelet.client.stop_container(container_id=deaf, timeout=1)
    assert kubelet.status(deaf).exit_code == 137
    kubelet.client.stop_container(container_id="0" * 64, timeout=1)
    script = script.replace("TERM", "USR1") % "exit 9"
    told = kubelet.run(pod, "sh", "-c", script, name="told", stop_signal=cri.SIGNAL_SIGUSR1)
    kubelet.exec(told, "sh", "-c", "until test -e /trapped; do sleep 0.05; done")
    kubelet.client.stop_container(container_id=told, timeout=100)
    assert kubelet.status(told).exit_code == 9


@pytest.mark.e2e
def test_exec_sync(kubelet: Any) -> None:
    pod = kubelet.pod()
    container = kubelet.run(pod, "sleep", "60")
    assert kubelet.exec(container, "sh", "-c", "echo a; echo b >&2; exit 5") == (5, "a\n", "b\n")
    assert kubelet.exec(container, "cat") == (0, "", ""), "no stdin"
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.exec(container, "sh", "-c", "sleep 30 & sleep 30", timeout=1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 25
    for _ in range(2):  # however far it has come, it is gone afterwards
        with contextlib.suppress(grpc.RpcError):
            kubelet.exec(container, "sleep", "30", timeout=1)
    _, processes, _ = kubelet.exec(container, "ps")
    assert "sleep 30" not in processes
    for command in ((), ("/no/such",)):
        with pytest.raises(grpc.RpcError):
            kubelet.exec(container, *command)
    big = kubelet.client.exec_sync(
        container_id=container, cmd=["sh", "-c", "head -c 20000000 /dev/zero"]
    )
    assert big.exit_code == 0
    assert 8_000_000 < len(big.stdout) < 8_500_000, "output has a limit"
    kubelet.client.stop_container(container_id=container)
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.exec(container, "true")
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.e2e
def test_logs_are_reopened_and_have_partial_lines(kubelet: Any) -> None:
    pod = kubelet.pod()
    script = "printf half; sleep 1; echo whole; while sleep 0.1; do echo more; done"
    container = kubelet.run(pod, "sh", "-c", script)
    log = Path(kubelet.status(container).log_path)
    while "more" not in (log.read_text() if log.exists() else ""):
        time.sleep(0.05)
    assert "stdout P half" in log.read_text()
    log.rename(f"{log}.1")
    kubelet.client.reopen_container_log(container_id=container)
    assert log.exists()
    while "more" not in log.read_text():
        time.sleep(0.05)
    kubelet.client.stop_container(container_id=container)
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.client.reopen_container_log(container_id=container)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.e2e
def test_rotation_of_a_log_that_is_being_written_loses_no_line(kubelet: Any) -> None:
    """As kubelet does it: the file gets another name, then it is asked to be opened anew."""
    count = 1_000_000
    container = kubelet.run(kubelet.pod(), "sh", "-c", f"sleep 0.2; seq {count}")
    log = Path(kubelet.status(container).log_path)
    parts = []
    while kubelet.status(container).state == cri.CONTAINER_RUNNING:
        parts.append(log.rename(f"{log}.{len(parts)}"))
        try:
            kubelet.client.reopen_container_log(container_id=container)
        except grpc.RpcError:
            break  # it has just ended
    assert len(parts) > 3
    if log.exists():
        parts.append(log)
    said = bytearray()
    for entry in b"".join(part.read_bytes() for part in parts).splitlines():
        _, _, tag, text = entry.split(b" ", 3)
        said += text + (b"\n" if tag == b"F" else b"")
    assert [int(line) for line in said.split()] == list(range(1, count + 1))


@pytest.mark.e2e
def test_what_cannot_be_run(kubelet: Any) -> None:
    pod = kubelet.pod()
    container = kubelet.create(pod, kubelet.config("/no/such"))
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.client.start_container(container_id=container)
    assert "/no/such" in caught.value.details()
    assert kubelet.status(container).state == cri.CONTAINER_CREATED
    kubelet.client.remove_container(container_id=container)
    missing = kubelet.config("true")
    missing.image.image = "localhost/nothing:here"
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.create(pod, missing)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    kubelet.client.stop_pod_sandbox(pod_sandbox_id=pod)
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.create(pod, kubelet.config("true"))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert not kubelet.client.list_containers().containers


@pytest.mark.e2e
def test_the_command_line_sees_it(kubelet: Any) -> None:
    container = kubelet.run(kubelet.pod(), "sleep", "60")
    rundlet = Path(sys.executable).with_name("rundlet")
    columns = ("--no-trunc", "--format", "{{.ID}} {{.Names}}")
    words = [rundlet, *kubelet.server.places, "ps", *columns]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == f"{container} k8s_main_web_default_u-web_0"
    answer = kubelet.client.container_status(container_id=container, verbose=True)
    info = json.loads(answer.info["info"])
    assert info["runtimeSpec"]["process"]["args"] == ["sleep", "60"]
    parent = kubelet.pod_config().linux.cgroup_parent
    assert f"{parent}/" in Path(f"/proc/{info['pid']}/cgroup").read_text()


@pytest.mark.e2e
def test_containers_outlive_a_killed_server(kubelet: Any) -> None:
    pod = kubelet.pod()
    stays = kubelet.run(pod, "sh", "-c", "while sleep 0.1; do echo on; done", name="stays")
    ends = kubelet.run(pod, "sh", "-c", "sleep 0.5; exit 9", name="ends")
    kubelet.server.kill()
    time.sleep(1)
    kubelet.again()
    assert kubelet.status(stays).state == cri.CONTAINER_RUNNING
    assert kubelet.exec(stays, "echo", "hello")[1] == "hello\n"
    status = kubelet.ended(ends)
    assert status.exit_code == 9
    assert status.finished_at > status.started_at
    kubelet.client.stop_container(container_id=stays)
    assert kubelet.status(stays).state == cri.CONTAINER_EXITED


@pytest.mark.e2e
def test_one_that_was_about_to_start_is_got_by_the_same_request(kubelet: Any) -> None:
    """As a server leaves it that is killed between the runtime's create and start."""
    pod, wanted = kubelet.pod(), kubelet.config("sleep", "60")
    container = kubelet.create(pod, wanted)
    stores = ("--root", kubelet.server.root, "--runroot", kubelet.server.runroot)
    rundlet = Path(sys.executable).with_name("rundlet")
    subprocess.run([rundlet, *stores, "init", container], check=True)
    state = Database(str(kubelet.server.root))
    waiting = rows.find(state, container).pid
    assert kubelet.create(pod, wanted) == container
    kubelet.client.start_container(container_id=container)
    assert kubelet.status(container).state == cri.CONTAINER_RUNNING
    assert rows.find(state, container).pid == waiting
    state.close()
    locks = Locks(str(kubelet.server.runroot / "locks"))
    with locks.hold("pod", pod), pytest.raises(grpc.RpcError) as caught:  # it may be going
        kubelet.client.create_container(
            pod_sandbox_id=pod, config=kubelet.config("true", name="b"), deadline=0.5
        )
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.e2e
@pytest.mark.slow
def test_a_server_killed_at_any_time_leaves_whole_containers(kubelet: Any) -> None:
    pod = kubelet.pod()
    for number, delay in enumerate((0.01, 0.04, 0.1, 0.2, 0.3)):
        wanted = kubelet.config("sleep", "60", name=f"c{number}")
        try:
            made = kubelet.client.create_container(
                pod_sandbox_id=pod, config=wanted, deadline=delay
            ).container_id
            kubelet.client.start_container(container_id=made, deadline=delay / 3)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
        kubelet.server.kill()
        kubelet.again()
        there = kubelet.client.list_containers().containers
        if there and there[0].state == cri.CONTAINER_RUNNING:
            container = there[0].id
        else:
            container = kubelet.create(pod, wanted)
            kubelet.client.start_container(container_id=container)
        assert kubelet.status(container).state == cri.CONTAINER_RUNNING
        kubelet.client.remove_container(container_id=container)
        assert not kubelet.client.list_containers().containers
