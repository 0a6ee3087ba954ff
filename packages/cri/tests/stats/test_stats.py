"""Stats and metrics over a real socket."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.containers.stored import Network, network_text
from rundlet.core.contracts.network import Attachment, AttachResult, InterfaceResult
from rundlet.cri.pods import record
from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.stats import measure, values
from rundlet.cri.stats.measure import Interface, Usage
from rundlet.cri.stats.rates import Rates


def test_rates_are_of_the_time_between() -> None:
    rates = Rates()
    second = 1_000_000_000
    assert rates.rate("a", Usage(10 * second, cpu=second), 8 * second) == second // 2
    assert rates.rate("a", Usage(10 * second + 1, cpu=2 * second), 0) == second // 2, "too soon"
    assert rates.rate("a", Usage(12 * second, cpu=5 * second), 0) == 2 * second
    rates.keep(set())
    assert rates.rate("a", Usage(10 * second, cpu=second), 9 * second) == second


def test_pressure_and_swap_of_cgroup_v2(tmp_path: Path) -> None:
    """Files as in cgroup-v2.rst: this machine may have v1, where there are none."""
    line = "avg10=1.50 avg60=2.25 avg300=0.00 total=77"
    (tmp_path / "cpu.pressure").write_text(f"some {line}\nfull {line}\n")
    (tmp_path / "io.pressure").write_text(f"some {line}\n")
    (tmp_path / "memory.swap.max").write_text("4096\n")
    found = measure._pressures(str(tmp_path))
    assert set(found) == {"cpu", "io"}
    message = cri.CpuUsage()
    values._psi(message, found, "cpu")
    whole = cri.PsiData(Total=77, Avg10=1.5, Avg60=2.25, Avg300=0)
    assert (message.psi.Some, message.psi.Full) == (whole, whole)
    memory = values._memory([Usage(1, major_faults=2), Usage(1, major_faults=1)], found)
    assert not memory.HasField("psi"), "there is no memory.pressure"
    assert memory.major_page_faults.value == 3
    line_of_io = cri.IoUsage()
    values._psi(line_of_io, found, "io")
    assert (line_of_io.psi.Some, line_of_io.psi.Full) == (whole, cri.PsiData())
    assert measure._swap_limit(str(tmp_path), 0, unified=True) == 4096
    (tmp_path / "memory.swap.max").write_text("max\n")
    assert measure._swap_limit(str(tmp_path), 0, unified=True) == -1, "no limit"
    (tmp_path / "memory.memsw.limit_in_bytes").write_text("1000\n")
    assert measure._swap_limit(str(tmp_path), 600, unified=False) == 400
    (tmp_path / "memory.swap.max").write_text("0\n")
    assert measure._swap_limit(str(tmp_path), 0, unified=True) == 0, "it may not swap"
    assert measure._swap_limit("/no/such", 600, unified=False) == -1, "nobody counts it"
    for limit, available in ((-1, []), (0, [0]), (100, [70])):
        swap = values._swap(Usage(5, swap=30, swap_limit=limit))
        assert (swap.timestamp, swap.swap_usage_bytes.value) == (5, 30)
        assert [swap.swap_available_bytes.value] * swap.HasField("swap_available_bytes") == (
            available
        )


def test_the_default_interface_is_that_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the node has tunnels, the kernel puts tunl0 first in every namespace."""
    interfaces = [Interface("tunl0", 0, 0, 0, 0), Interface("eth0", 1, 2, 3, 4)]
    monkeypatch.setattr(measure, "interfaces", lambda path: interfaces)
    result = AttachResult((InterfaceResult("net", "eth0"),))
    attached = Network("cni", Attachment("0" * 64, "web", None), result)
    pod = record.fresh("0" * 64, cri.PodSandboxConfig(), "", "runc")
    found = values._network("/netns", pod.replace(network=network_text(attached)), 7)
    assert [one.name for one in found.interfaces] == ["tunl0", "eth0"]
    mine = found.default_interface
    counts = (mine.rx_bytes, mine.rx_errors, mine.tx_bytes, mine.tx_errors)
    assert (mine.name, [one.value for one in counts]) == ("eth0", [1, 2, 3, 4])
    assert found.timestamp == 7


@pytest.mark.e2e
def test_stats_and_metrics(kubelet: Any) -> None:
    client = kubelet.client
    config = kubelet.pod_config("own", network=cri.POD)
    config.labels["tier"] = "front"
    config.annotations["note"] = "own"
    pod = kubelet.pod(config)
    script = "dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; while true; do true; done"
    began = time.time_ns()
    limits = cri.LinuxContainerResources(memory_limit_in_bytes=256 << 20)
    marks = {"labels": {"a": "b"}, "annotations": {"c": "d"}}
    busy = kubelet.run(pod, "sh", "-c", script, name="busy", resources=limits, **marks)
    ended = kubelet.run(pod, "true", name="ended")
    kubelet.ended(ended)
    deadline = time.monotonic() + 60
    while True:  # until it has been busy for a while
        stats = client.container_stats(container_id=busy).stats
        layer = stats.writable_layer
        used, rate = stats.cpu.usage_core_nano_seconds.value, stats.cpu.usage_nano_cores.value
        if used > 50_000_000 and rate > 10_000_000 and layer.used_bytes.value >= 3 << 20:
            break
        assert time.monotonic() < deadline, stats
        time.sleep(0.2)
    mine = stats.attributes
    assert (mine.id, mine.metadata.name) == (busy, "busy")
    assert {"labels": dict(mine.labels), "annotations": dict(mine.annotations)} == marks
    memory = stats.memory
    assert 0 < memory.working_set_bytes.value <= memory.usage_bytes.value < 256 << 20
    assert memory.available_bytes.value == (256 << 20) - memory.working_set_bytes.value
    assert 0 < memory.rss_bytes.value <= memory.usage_bytes.value
    assert memory.page_faults.value > memory.major_page_faults.value >= 0
    assert layer.inodes_used.value >= 1
    assert layer.fs_id.mountpoint == str(kubelet.server.root)
    for part in (stats.cpu, memory, layer, stats.swap, stats.io):
        assert began < part.timestamp < time.time_ns()
    assert stats.swap.HasField("swap_usage_bytes")
    chosen = cri.ContainerStatsFilter(label_selector={"a": "b"}, pod_sandbox_id=pod)
    assert [one.attributes.id for one in client.list_container_stats(filter=chosen).stats] == [busy]
    assert [one.attributes.id for one in client.list_container_stats().stats] == [busy]
    for wrong in ({"id": ended}, {"pod_sandbox_id": "0" * 64}, {"label_selector": {"a": "c"}}):
        chosen = cri.ContainerStatsFilter(**wrong)
        assert not client.list_container_stats(filter=chosen).stats
        assert not list(client.stream_container_stats(filter=chosen))
    (part,) = client.stream_container_stats(filter=cri.ContainerStatsFilter(id=busy[:13]))
    assert [one.attributes.id for one in part.container_stats] == [busy]
    whole = client.pod_sandbox_stats(pod_sandbox_id=pod).stats
    assert (whole.attributes.id, whole.attributes.metadata) == (pod, config.metadata)
    assert (whole.attributes.labels, whole.attributes.annotations) == (
        config.labels, config.annotations
    )  # fmt: skip
    network = whole.linux.network
    assert [one.name for one in network.interfaces] == ["eth0"]
    assert network.default_interface == network.interfaces[0]
    assert network.default_interface.tx_bytes.value > 0, "it has told its neighbours"
    assert whole.linux.process.process_count.value == 1
    assert whole.linux.cpu.usage_core_nano_seconds.value > 0
    assert whole.linux.memory.usage_bytes.value > 0
    for part in (network, whole.linux.process, whole.linux.cpu, whole.linux.io):
        assert began < part.timestamp < time.time_ns()
    assert [one.attributes.id for one in whole.linux.containers] == [busy], "those that run"
    chosen = cri.PodSandboxStatsFilter(label_selector={"tier": "front"})
    assert [one.attributes.id for one in client.list_pod_sandbox_stats(filter=chosen).stats] == [
        pod
    ]
    (part,) = client.stream_pod_sandbox_stats(filter=cri.PodSandboxStatsFilter(id=pod[:13]))
    assert [one.attributes.id for one in part.pod_sandbox_stats] == [pod]
    for wrong in ({"label_selector": {"tier": "back"}}, {"id": "0" * 64}):
        chosen = cri.PodSandboxStatsFilter(**wrong)
        assert not list(client.stream_pod_sandbox_stats(filter=chosen))
    described = {one.name: one for one in client.list_metric_descriptors().descriptors}
    (metrics,) = client.list_pod_sandbox_metrics().pod_metrics
    found = [*metrics.metrics, *(m for one in metrics.container_metrics for m in one.metrics)]
    assert {one.name for one in found} == set(described)
    assert all(len(one.label_values) == len(described[one.name].label_keys) for one in found)
    assert all(one.help for one in described.values())
    assert all(began < one.timestamp < time.time_ns() for one in found)
    (used,) = [one for one in found if one.name == "container_memory_usage_bytes"]
    assert (used.metric_type, used.value.value > 0) == (cri.GAUGE, True)
    (cpu,) = [one for one in found if one.name == "container_cpu_usage_seconds_total"]
    assert cpu.metric_type == cri.COUNTER
    assert [one.container_id for one in metrics.container_metrics] == [busy]
    (part,) = client.stream_pod_sandbox_metrics()
    assert part.pod_sandbox_metrics[0].pod_sandbox_id == pod
