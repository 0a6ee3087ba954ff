"""How containers end, as kubelet is told; and pods of each runtime handler."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from rundlet.cri.proto import api_pb2 as cri

pytestmark = pytest.mark.e2e


def test_reasons(kubelet: Any) -> None:
    pod = kubelet.pod()
    for number, (command, code, reason) in enumerate(
        (
            (("true",), 0, "Completed"),
            (("sh", "-c", "exit 3"), 3, "Error"),
            (("sh", "-c", "kill -9 $$; exit 1"), 1, "Error"),  # pid 1 is not killed from inside
        )
    ):
        status = kubelet.ended(kubelet.run(pod, *command, name=f"c{number}"))
        assert (status.exit_code, status.reason) == (code, reason)
        assert 0 < status.created_at <= status.started_at <= status.finished_at
    resources = cri.LinuxContainerResources(memory_limit_in_bytes=32 << 20)
    greedy = ("sh", "-c", "head -c 200000000 /dev/zero | tail -c 200000000; exit $?")
    status = kubelet.ended(kubelet.run(pod, *greedy, name="greedy", resources=resources))
    assert status.reason == "OOMKilled"
    assert str(32 << 20) in status.message


@pytest.mark.parametrize("handler", ["runc", "crun", "runsc"])
def test_a_pod_of_each_handler(kubelet: Any, handler: str) -> None:
    client = kubelet.client
    if handler not in [one.name for one in client.status().runtime_handlers]:
        pytest.skip(f"{handler} does not work here")
    config = kubelet.pod_config(handler, network=cri.POD)
    pod = client.run_pod_sandbox(config=config, runtime_handler=handler).pod_sandbox_id
    container = kubelet.run(pod, "sh", "-c", "echo out; echo err >&2; sleep 600")
    assert kubelet.exec(container, "sh", "-c", "echo in; exit 5") == (5, "in\n", "")
    (item,) = client.list_pod_sandbox().items
    assert item.runtime_handler == handler
    address = client.pod_sandbox_status(pod_sandbox_id=pod).status.network.ip
    assert address in kubelet.exec(container, "ip", "addr")[1]
    root = kubelet.server.runroot / "oci" / handler
    listed = subprocess.run(
        [handler, "--root", root, "list", "--quiet"], capture_output=True, text=True, check=True
    )
    assert container in listed.stdout
    client.stop_container(container_id=container, timeout=0)
    assert kubelet.ended(container).exit_code == 137
