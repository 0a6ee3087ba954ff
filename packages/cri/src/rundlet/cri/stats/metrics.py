"""Pod metrics: what kubelet gives to Prometheus in the place of cAdvisor, under its names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rundlet.core.value import Value

from ..proto import api_pb2 as cri

_LABELS = ("id", "name", "pod", "namespace")


class Described(Value):
    """One metric: its help, whether it only grows, how it is read from stats."""

    name: str
    help: str
    counter: bool
    read: Callable[[cri.ContainerStats], int]


CONTAINER = (
    Described(
        "container_cpu_usage_seconds_total",
        "Cumulative cpu time consumed in seconds.",
        True,
        lambda stats: stats.cpu.usage_core_nano_seconds.value // 1_000_000_000,
    ),
    Described(
        "container_memory_usage_bytes",
        "Current memory usage in bytes, including all memory regardless of when it was accessed.",
        False,
        lambda stats: stats.memory.usage_bytes.value,
    ),
    Described(
        "container_memory_working_set_bytes",
        "Current working set of the container in bytes.",
        False,
        lambda stats: stats.memory.working_set_bytes.value,
    ),
    Described(
        "container_memory_rss",
        "Size of RSS in bytes.",
        False,
        lambda stats: stats.memory.rss_bytes.value,
    ),
    Described(
        "container_memory_swap",
        "Container swap usage in bytes.",
        False,
        lambda stats: stats.swap.swap_usage_bytes.value,
    ),
    Described(
        "container_fs_usage_bytes",
        "Number of bytes that are consumed by the container on this filesystem.",
        False,
        lambda stats: stats.writable_layer.used_bytes.value,
    ),
    Described(
        "container_fs_inodes_total",
        "Number of inodes.",
        False,
        lambda stats: stats.writable_layer.inodes_used.value,
    ),
)

NETWORK: tuple[tuple[str, str, Callable[[cri.NetworkInterfaceUsage], int]], ...] = (
    (
        "container_network_receive_bytes_total",
        "Cumulative count of bytes received.",
        lambda one: one.rx_bytes.value,
    ),
    (
        "container_network_receive_errors_total",
        "Cumulative count of errors encountered while receiving.",
        lambda one: one.rx_errors.value,
    ),
    (
        "container_network_transmit_bytes_total",
        "Cumulative count of bytes transmitted.",
        lambda one: one.tx_bytes.value,
    ),
    (
        "container_network_transmit_errors_total",
        "Cumulative count of errors encountered while transmitting.",
        lambda one: one.tx_errors.value,
    ),
)


_GROUPS = {"cpu": "cpu", "memory": "memory", "disk": "fs", "network": "network"}
"""Words of included_pod_metrics to what follows "container_" in the names."""


def chosen(words: Sequence[str]) -> tuple[str, ...]:
    """Beginnings of the names of the metrics that included_pod_metrics asks for."""
    if "all" in words:
        return ("",)
    return tuple(f"container_{_GROUPS[word]}_" for word in words if word in _GROUPS)


def descriptors(beginnings: tuple[str, ...] = ("",)) -> list[cri.MetricDescriptor]:
    """Every metric whose name begins so, with the keys of its labels."""
    found = [
        cri.MetricDescriptor(name=one.name, help=one.help, label_keys=_LABELS)
        for one in CONTAINER
        if one.name.startswith(beginnings)
    ]
    return found + [
        cri.MetricDescriptor(name=name, help=text, label_keys=(*_LABELS, "interface"))
        for name, text, _ in NETWORK
        if name.startswith(beginnings)
    ]


def pod(stats: cri.PodSandboxStats, beginnings: tuple[str, ...] = ("",)) -> cri.PodSandboxMetrics:
    """The metrics of one pod and its containers, of those whose names begin so."""
    meta = stats.attributes.metadata
    message = cri.PodSandboxMetrics(pod_sandbox_id=stats.attributes.id)
    network = stats.linux.network
    for interface in network.interfaces:
        mine = (stats.attributes.id, "POD", meta.name, meta.namespace, interface.name)
        message.metrics.extend(
            _metric(name, network.timestamp, True, mine, read(interface))
            for name, _, read in NETWORK
            if name.startswith(beginnings)
        )
    for one in stats.linux.containers:
        labels = (one.attributes.id, one.attributes.metadata.name, meta.name, meta.namespace)
        when = one.cpu.timestamp or one.writable_layer.timestamp
        message.container_metrics.append(
            cri.ContainerMetrics(
                container_id=one.attributes.id,
                metrics=[
                    _metric(kind.name, when, kind.counter, labels, kind.read(one))
                    for kind in CONTAINER
                    if kind.name.startswith(beginnings)
                ],
            )
        )
    return message


def _metric(name: str, when: int, counter: bool, labels: tuple[str, ...], value: int) -> cri.Metric:
    return cri.Metric(
        name=name,
        timestamp=when,
        metric_type=cri.COUNTER if counter else cri.GAUGE,
        label_values=labels,
        value=cri.UInt64Value(value=value),
    )
