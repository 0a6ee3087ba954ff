"""Resources, signals and references: what was asked for is what runs, and what the status tells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.containers import resources, signals
from rundlet.cri.proto import api_pb2 as cri

LIMITS: dict[str, Any] = {
    "cpu_period": 50_000,
    "cpu_quota": 25_000,
    "cpu_shares": 512,
    "memory_limit_in_bytes": 64 << 20,
    "memory_swap_limit_in_bytes": 96 << 20,
    "oom_score_adj": 300,
    "cpuset_cpus": "0",
    "cpuset_mems": "0",
}


def spec(kubelet: Any, container: str) -> dict[str, Any]:
    info = kubelet.client.container_status(container_id=container, verbose=True).info["info"]
    found: dict[str, Any] = json.loads(info)["runtimeSpec"]
    return found


@pytest.mark.e2e
def test_limits_reach_the_runtime_and_its_processes(kubelet: Any) -> None:
    pod = kubelet.pod()
    limits = cri.LinuxContainerResources(**LIMITS)
    script = "sleep 60 & echo $!; wait"
    container = kubelet.run(pod, "sh", "-c", script, resources=limits)
    given = spec(kubelet, container)["linux"]["resources"]
    assert given["cpu"] == {
        "period": 50_000, "quota": 25_000, "shares": 512, "cpus": "0", "mems": "0"
    }  # fmt: skip
    assert given["memory"]["limit"] == 64 << 20
    shown = kubelet.status(container).resources.linux
    assert {name: getattr(shown, name) for name in LIMITS} == LIMITS

    def scores() -> set[str]:
        read = "for p in 1 $(pidof sleep); do cat /proc/$p/oom_score_adj; done"
        return set(kubelet.exec(container, "sh", "-c", read)[1].split())

    assert scores() == {"300"}
    for score in (700, 200):
        changed = cri.LinuxContainerResources(oom_score_adj=score, cpu_shares=score)
        kubelet.client.update_container_resources(container_id=container, linux=changed)
        assert scores() == {str(score)}
        shown = kubelet.status(container).resources.linux
        assert (shown.oom_score_adj, shown.cpu_shares) == (score, score)
        assert shown.memory_limit_in_bytes == 64 << 20, "what is not said stays"
    cpus = cri.LinuxContainerResources(cpuset_cpus="0-1", cpu_quota=40_000)
    kubelet.client.update_container_resources(container_id=container, linux=cpus)
    allowed = kubelet.exec(container, "grep", "Cpus_allowed_list", "/proc/1/status")[1]
    assert allowed.split()[1] == "0-1"
    assert kubelet.status(container).resources.linux.cpu_quota == 40_000
    windows = {"windows": cri.WindowsContainerResources()}
    with pytest.raises(grpc.RpcError, match="Windows"):
        kubelet.client.update_container_resources(container_id=container, **windows)
    plain = kubelet.run(
        pod, "sleep", "60", name="plain", resources=cri.LinuxContainerResources(cpu_shares=2)
    )
    assert spec(kubelet, plain)["process"]["oomScoreAdj"] == 0, "not the server's own"
    kubelet.client.stop_container(container_id=container)
    with pytest.raises(grpc.RpcError) as error:
        kubelet.client.update_container_resources(container_id=container, linux=changed)
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.e2e
def test_pages_and_unified_keys_are_kept_for_hosts_that_have_them(kubelet: Any) -> None:
    """Made, not started: this machine may have neither hugetlb nor cgroup v2."""
    limits = cri.LinuxContainerResources(unified={"memory.high": "1000000"})
    limits.hugepage_limits.add(page_size="2MB", limit=4 << 20)
    pod = kubelet.pod()
    container = kubelet.create(pod, kubelet.config("true", resources=limits))
    shown = kubelet.status(container).resources.linux
    assert (shown.unified, list(shown.hugepage_limits)) == (
        limits.unified, list(limits.hugepage_limits)
    )  # fmt: skip


def test_an_update_leaves_what_it_does_not_say() -> None:
    asked = cri.LinuxContainerResources(unified={"memory.high": "1", "memory.low": "2"})
    asked.hugepage_limits.add(page_size="2MB", limit=4)
    before = resources.resources(asked)
    changed = cri.LinuxContainerResources(
        unified={"memory.low": "3"}, memory_swap_limit_in_bytes=-1, cpuset_mems="1"
    )
    changed.hugepage_limits.add(page_size="1GB", limit=0)
    assert resources.limits(changed, before) == {
        "unified": {"memory.high": "1", "memory.low": "3"},
        "hugepages": {"2MB": 4, "1GB": 0},
        "memory_swap": -1,
        "cpuset_mems": "1",
    }
    assert resources.limits(cri.LinuxContainerResources(), before) == {}


@pytest.mark.e2e
def test_the_image_and_its_stop_signal(kubelet: Any) -> None:
    """The status names the digest that people know, and what will be sent to the container."""
    client = kubelet.client
    places = kubelet.server.places
    rundlet = [Path(sys.executable).with_name("rundlet"), *places]
    name = "localhost/polite:1"
    change = ("--change", "STOPSIGNAL SIGRTMIN+3", "--change", "VOLUME /data")
    for words in (("create", "--name", "x", kubelet.image, "sh"), ("commit", *change, "x", name)):
        subprocess.run([*rundlet, *words], check=True, capture_output=True)
    pod = kubelet.pod()
    wanted = kubelet.config("true", name="pulled")
    wanted.stop_signal = cri.SIGNAL_SIGUSR1
    pulled = kubelet.status(kubelet.create(pod, wanted))
    (digest,) = client.image_status(image=cri.ImageSpec(image=kubelet.image)).image.repo_digests
    assert (pulled.image_ref, pulled.image_id) == (digest, kubelet.image)
    assert pulled.stop_signal == cri.SIGNAL_SIGUSR1
    wanted = kubelet.config("sh", "-c", "echo kept >/data/file; sleep 60", name="polite")
    wanted.image.image = name
    wanted.image.user_specified_image = "polite"
    container = kubelet.create(pod, wanted)
    client.start_container(container_id=container)
    status = kubelet.status(container)
    assert status.stop_signal == cri.SIGNAL_SIGRTMINPLUS3
    assert status.image.user_specified_image == "polite"
    assert status.image_id in status.image_ref or "@sha256:" in status.image_ref
    mounts = [one["destination"] for one in spec(kubelet, container)["mounts"]]
    assert "/data" in mounts, "image_volumes is mkdir"
    kubelet.server.stop()
    kubelet.server.crio.write_text('[crio.image]\nimage_volumes = "ignore"\n')
    kubelet.again()
    wanted.metadata.name = "without"
    container = kubelet.create(pod, wanted)
    kubelet.client.start_container(container_id=container)
    mounts = [one["destination"] for one in spec(kubelet, container)["mounts"]]
    assert "/data" not in mounts


def test_each_signal_has_a_name_that_the_engine_knows() -> None:
    for wanted in cri.Signal.values():
        name = signals.name(wanted)
        assert bool(name) == (wanted != cri.SIGNAL_RUNTIME_DEFAULT)
    assert signals.name(cri.SIGNAL_SIGRTMAXMINUS14) == "SIGRTMAX-14"
    assert signals._of_the_kernel()[15] == cri.SIGNAL_SIGTERM
    assert signals._of_the_kernel()[64] == cri.SIGNAL_SIGRTMAX
