"""CheckpointContainer, CreateContainer from an archive, CheckpointPod and RestorePod."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from devtools.registry import Registry
from rundlet.cri.proto import api_pb2 as cri

from ..conftest import Kubelet, Server

pytestmark = pytest.mark.e2e

COUNT = "i=0; echo mine > /mine; while :; do i=$((i+1)); echo $i; sleep 0.1; done"


@pytest.fixture
def counting(criu: None, tmp_path: Path, registry: Registry) -> Iterator[Kubelet]:
    """runc is what uses CRIU; started after CRIU was put on PATH."""
    server = Server(tmp_path)
    server.configuration.write_text('runtime = "runc"\n')
    yield Kubelet(server, server.start(), f"{registry.host}/busybox:latest")
    server.close()


def counted(kubelet: Kubelet, container: str, more_than: int) -> int:
    """The last number in the log, once it is larger."""
    deadline = time.monotonic() + 30
    while True:
        lines = Path(kubelet.status(container).log_path).read_text().split()
        if lines and lines[-1].isdecimal() and int(lines[-1]) > more_than:
            return int(lines[-1])
        assert time.monotonic() < deadline, lines[-5:]
        time.sleep(0.05)


def test_a_container_is_made_from_its_archive(counting: Kubelet, tmp_path: Path) -> None:
    kubelet, client = counting, counting.client
    pod = kubelet.pod(kubelet.pod_config(network=cri.POD))
    container = kubelet.run(pod, "sh", "-c", COUNT)
    seen = counted(kubelet, container, 3)
    archive = tmp_path / "checkpoint.tar"
    client.checkpoint_container(container_id=container, location=str(archive))
    assert kubelet.status(container).state == cri.CONTAINER_RUNNING
    with tarfile.open(archive) as tar:
        assert {"spec.dump", "rootfs-diff.tar", "checkpoint/inventory.img"} < set(tar.getnames())
        config = json.load(tar.extractfile("config.dump"))  # type: ignore[arg-type]
    assert config["id"] == container and config["rootfsImageName"]
    if shutil.which("crictl"):
        endpoint = ("--runtime-endpoint", f"unix://{kubelet.server.socket}")
        words = ("checkpoint", "--export", str(tmp_path / "crictl.tar"), container)
        subprocess.run(["crictl", "--timeout", "60s", *endpoint, *words], check=True)
        assert tarfile.is_tarfile(tmp_path / "crictl.tar")
    other = kubelet.pod(kubelet.pod_config("other", network=cri.POD))
    wanted = kubelet.config(name="again")
    wanted.image.image = str(archive)
    made = kubelet.create(other, wanted)
    assert kubelet.status(made).state == cri.CONTAINER_CREATED
    kubelet.server.kill()
    kubelet.again()
    client = kubelet.client
    client.start_container(container_id=made)
    assert counted(kubelet, made, seen) < seen + 200
    assert kubelet.exec(made, "cat", "/mine")[1] == "mine\n"
    client.stop_container(container_id=made, timeout=0)
    assert kubelet.ended(made).exit_code == 137
    for location, code in (("relative", "INVALID_ARGUMENT"), ("/no/such/place", "INTERNAL")):
        with pytest.raises(grpc.RpcError) as caught:
            client.checkpoint_container(container_id=container, location=location)
        assert caught.value.code().name == code
    with pytest.raises(grpc.RpcError) as caught:
        client.checkpoint_container(container_id=made, location=str(tmp_path / "dead"))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert kubelet.status(container).state == cri.CONTAINER_RUNNING


def test_whole_pods(counting: Kubelet, tmp_path: Path) -> None:
    kubelet, client = counting, counting.client
    pod = kubelet.pod()
    one = kubelet.run(pod, "sh", "-c", COUNT, name="one")
    kubelet.run(pod, "sleep", "600", name="two")
    seen = counted(kubelet, one, 3)
    path = str(tmp_path / "pod.tar")
    client.checkpoint_pod(pod_sandbox_id=pod, output_path=path)
    part = str(tmp_path / "part.tar")
    client.checkpoint_pod(pod_sandbox_id=pod, output_path=part, container_ids=[one])
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    with pytest.raises(grpc.RpcError) as caught:
        client.restore_pod(
            checkpoint_path=path, container_configs=[kubelet.config("true", name="three")]
        )
    assert "three" in caught.value.details()
    assert not client.list_pod_sandbox().items, "nothing is left"
    answer = client.restore_pod(checkpoint_path=path)
    found = {row.name: row.container_id for row in answer.restored_containers}
    assert sorted(found) == ["one", "two"]
    (item,) = client.list_pod_sandbox().items
    assert (item.id, item.metadata.name) == (answer.pod_sandbox_id, "web")
    assert counted(kubelet, found["one"], seen) < seen + 200
    assert kubelet.status(found["one"]).image_id == kubelet.image
    config = kubelet.pod_config("renamed")
    changed = kubelet.config("sh", "-c", COUNT, name="one", labels={"new": "label"})
    answer = client.restore_pod(
        checkpoint_path=part, config=config, runtime_handler="runc", container_configs=[changed]
    )
    (row,) = answer.restored_containers
    status = client.pod_sandbox_status(pod_sandbox_id=answer.pod_sandbox_id).status
    assert (status.metadata, status.runtime_handler) == (config.metadata, "runc")
    assert (row.name, dict(kubelet.status(row.container_id).labels)) == ("one", {"new": "label"})
    assert counted(kubelet, row.container_id, seen) < seen + 200
    with pytest.raises(grpc.RpcError) as caught:
        client.restore_pod(checkpoint_path=path, options={"x": "y"})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        client.restore_pod(checkpoint_path="/etc/passwd")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        client.checkpoint_pod(pod_sandbox_id=item.id, output_path=path, options={"x": "y"})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_checkpoint_that_is_late_goes_on(
    criu: None, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`timeout` is how long the client waits; its retry has what was written meanwhile."""
    slow = tmp_path / "slow/criu"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\n[ "$1" = swrk ] && sleep 1\nexec {shutil.which("criu")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    server = Server(tmp_path)
    server.configuration.write_text('runtime = "runc"\n')
    try:
        kubelet = Kubelet(server, server.start(), f"{registry.host}/busybox:latest")
        container = kubelet.run(kubelet.pod(), "sleep", "60")
        asked = {"container_id": container, "location": str(tmp_path / "checkpoint.tar")}
        with pytest.raises(grpc.RpcError) as caught:
            kubelet.client.checkpoint_container(timeout=1, **asked)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        kubelet.client.checkpoint_container(timeout=60, **asked)
        assert tarfile.is_tarfile(asked["location"])
    finally:
        server.close()


def test_without_criu_the_reason_is_told(kubelet: Any, tmp_path: Path) -> None:
    """crun of Debian 12 is built without CRIU."""
    container = kubelet.run(kubelet.pod(), "sleep", "60")
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.client.checkpoint_container(container_id=container, location=str(tmp_path / "x"))
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "criu" in caught.value.details().lower()
    assert not os.path.exists(tmp_path / "x")
    assert kubelet.status(container).state == cri.CONTAINER_RUNNING
