"""Stats and metrics over a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.stats import measure, values
from rundlet.cri.stats.measure import Usage
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
    assert (message.psi.Some.Total, message.psi.Full.Avg60) == (77, 2.25)
    assert measure._swap_limit(str(tmp_path), 0, unified=True) == 4096
    (tmp_path / "memory.swap.max").write_text("max\n")
    assert measure._swap_limit(str(tmp_path), 0, unified=True) == 0
    (tmp_path / "memory.memsw.limit_in_bytes").write_text("1000\n")
    assert measure._swap_limit(str(tmp_path), 600, unified=False) == 400


@pytest.mark.e2e
def test_stats_and_metrics(kubelet: Any) -> None:
    client = kubelet.client
    config = kubelet.pod_config("own", network=cri.POD)
    config.labels["tier"] = "front"
    pod = kubelet.pod(config)
    script = "dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; while true; do true; done"
    busy = kubelet.run(pod, "sh", "-c", script, name="busy", labels={"a": "b"})
    kubelet.exec(busy, "sleep", "0.7")
    ended = kubelet.run(pod, "true", name="ended")
    kubelet.ended(ended)
    stats = client.container_stats(container_id=busy).stats
    assert stats.attributes.metadata.name == "busy"
    assert stats.cpu.usage_core_nano_seconds.value > 50_000_000
    assert stats.cpu.usage_nano_cores.value > 10_000_000
    assert stats.memory.working_set_bytes.value > 0
    assert stats.writable_layer.used_bytes.value >= 3 << 20
    chosen = cri.ContainerStatsFilter(label_selector={"a": "b"}, pod_sandbox_id=pod)
    assert [one.attributes.id for one in client.list_container_stats(filter=chosen).stats] == [busy]
    assert [one.attributes.id for one in client.list_container_stats().stats] == [busy]
    (part,) = client.stream_container_stats()
    assert [one.attributes.id for one in part.container_stats] == [busy]
    whole = client.pod_sandbox_stats(pod_sandbox_id=pod).stats
    assert whole.linux.network.default_interface.name == "eth0"
    assert whole.linux.process.process_count.value >= 1
    assert whole.linux.cpu.usage_core_nano_seconds.value > 0
    chosen = cri.PodSandboxStatsFilter(label_selector={"tier": "front"})
    assert [one.attributes.id for one in client.list_pod_sandbox_stats(filter=chosen).stats] == [
        pod
    ]
    chosen = cri.PodSandboxStatsFilter(label_selector={"tier": "back"})
    assert not list(client.stream_pod_sandbox_stats(filter=chosen))
    described = {one.name: one for one in client.list_metric_descriptors().descriptors}
    (metrics,) = client.list_pod_sandbox_metrics().pod_metrics
    found = [*metrics.metrics, *(m for one in metrics.container_metrics for m in one.metrics)]
    assert {one.name for one in found} == set(described)
    assert all(len(one.label_values) == len(described[one.name].label_keys) for one in found)
    (part,) = client.stream_pod_sandbox_metrics()
    assert part.pod_sandbox_metrics[0].pod_sandbox_id == pod
