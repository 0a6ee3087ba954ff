"""Pods whose handler is a containerd shim: their containers share it, and outlive the server."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from rundlet.core.linux.processes import start_time
from rundlet.cri.proto import api_pb2 as cri

HANDLER = "shim-runc-v2"


def shim_of(server: Any, container: str) -> int:
    """The process id of a container's shim, as the driver has noted it."""
    task = server.runroot / "oci" / HANDLER / container / "task.json"
    return int(json.loads(task.read_text())["shim_pid"])


def spec(server: Any, container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (server.root / "containers" / container / "config.json").read_text()
    )
    return found


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while start_time(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not start_time(pid)


@pytest.mark.e2e
def test_a_pod_under_a_shim(kubelet: Any, server: Any) -> None:
    needs("containerd-shim-runc-v2")
    client = kubelet.client
    config = kubelet.pod_config("shimmed")
    pod = client.run_pod_sandbox(config=config, runtime_handler=HANDLER).pod_sandbox_id
    script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done"
    limits = cri.LinuxContainerResources(memory_limit_in_bytes=64 << 20)
    first = kubelet.run(pod, "sh", "-c", script, name="first", resources=limits)
    second = kubelet.run(pod, "sleep", "1000", name="second")
    shim = shim_of(server, first)
    assert shim_of(server, second) == shim

    assert kubelet.exec(first, "sh", "-c", "echo out; exit 3") == (3, "out\n", "")
    assert client.container_stats(container_id=first).stats.memory.usage_bytes.value > 0
    limits = cri.LinuxContainerResources(memory_limit_in_bytes=96 << 20)
    client.update_container_resources(container_id=first, linux=limits)
    assert kubelet.status(first).resources.linux.memory_limit_in_bytes == 96 << 20
    path = Path(kubelet.status(first).log_path)
    os.rename(path, f"{path}.1")
    client.reopen_container_log(container_id=first)
    assert path.exists()
    assert Path(f"{path}.1").read_text().endswith(" stdout F up\n")

    server.kill()
    kubelet.again()
    client = kubelet.client
    client.stop_container(container_id=first, timeout=30)
    assert kubelet.status(first).exit_code == 7
    assert kubelet.status(second).state == cri.CONTAINER_RUNNING
    os.kill(shim, 9)
    assert kubelet.ended(second).exit_code == 137
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert gone(shim)
    assert os.listdir(server.runroot / "oci" / HANDLER) == []


@pytest.mark.e2e
def test_a_pod_with_a_machine(server: Any, make_kubelet: Any) -> None:
    """As Kata's pods are: a container of ours begins it, outlives a server, and ends the pod."""
    needs("containerd-shim-runc-v2", "catatonit")
    server.configuration.write_text(f'[runtimes.machines]\nkind = "{HANDLER}"\nsandbox = true\n')
    kubelet = make_kubelet()
    client = kubelet.client
    config = kubelet.pod_config("machine")
    pod = client.run_pod_sandbox(config=config, runtime_handler="machines").pod_sandbox_id
    homes = server.runroot / "oci" / "machines"
    (holder,) = os.listdir(homes)
    first = kubelet.run(pod, "sleep", "1000", name="first")
    second = kubelet.run(pod, "sleep", "1000", name="second")
    pids = {json.loads((home / "task.json").read_text())["shim_pid"] for home in homes.iterdir()}
    assert len(pids) == 1
    assert [one.id for one in client.list_containers().containers] == [first, second]
    for container, kind in ((holder, "sandbox"), (first, "container"), (second, "container")):
        notes = spec(server, container)["annotations"]
        assert notes["io.kubernetes.cri-o.SandboxID"] == holder
        assert notes["io.kubernetes.cri-o.ContainerType"] == kind

    server.kill()
    kubelet.again()
    client = kubelet.client
    client.stop_container(container_id=first, timeout=0)
    client.remove_container(container_id=first)
    assert kubelet.status(second).state == cri.CONTAINER_RUNNING
    os.kill(json.loads((homes / holder / "task.json").read_text())["pid"], 9)
    assert kubelet.ended(second).exit_code == 137
    deadline = time.monotonic() + 60
    ready = cri.PodSandboxStateValue(state=cri.SANDBOX_READY)
    while client.list_pod_sandbox(filter=cri.PodSandboxFilter(state=ready)).items:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert os.listdir(homes) == []
    assert os.listdir(server.runroot / "pods") == []
