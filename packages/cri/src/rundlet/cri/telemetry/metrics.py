"""Prometheus metrics under CRI-O's names (its docs/tutorials/metrics.md).

`resources_stalled_at_stage`, `containers_seccomp_notifier_count_total` and
`containers_stopped_monitor_count` have no meaning here: a creation that stalls goes on, no
container has a seccomp notifier, and a container without its monitor has ended.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from rundlet.core.images.descriptor import Descriptor
from rundlet.core.images.progress import Progress

from ..http.connection import Answer
from .observer import Both, Call, Observer

_PREFIX = "container_runtime_crio_"
_SIZES = (1e3, 1e6, 1e7, 5e7, 1e8, 2e8, 3e8, 4e8, 5e8, 1e9, 1e10)
_NAMES = ("0 B", "1 KiB", "1 MiB", "10 MiB", "50 MiB", "100 MiB", "200 MiB", "300 MiB",
          "400 MiB", "500 MiB", "1 GiB", "10 GiB")  # fmt: skip


class Metrics(Observer):
    """One server's. collectors: which are served, by their names without the prefix."""

    def __init__(self, collectors: Sequence[str]) -> None:
        self._registry = CollectorRegistry()
        names = {name.removeprefix("container_runtime_").removeprefix("crio_")
                 for name in collectors}  # fmt: skip

        def where(name: str) -> CollectorRegistry | None:
            return self._registry if name in names else None  # counted, not served

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(_PREFIX + name, text, labels, registry=where(name))

        self._operations = counter("operations_total", "Calls by operation", "operation")
        self._errors = counter("operations_errors_total", "Failed calls", "operation")
        name = "operations_latency_seconds"
        self._latest = Gauge(
            _PREFIX + name, "Duration of the last call", ["operation"], registry=where(name)
        )
        name = "operations_latency_seconds_total"
        self._latency = Summary(
            _PREFIX + name, "Durations of calls", ["operation"], registry=where(name)
        )
        name = "image_pulls_layer_size"
        self._layers = Histogram(
            _PREFIX + name, "Bytes of pulled layers", buckets=_SIZES, registry=where(name)
        )
        self._bytes = counter("image_pulls_bytes_total", "Bytes pulled", "mediatype", "size")
        self._skipped = counter(
            "image_pulls_skipped_bytes_total", "Bytes that were here already", "size"
        )
        self._reused = counter("image_layer_reuse_total", "Layers that were here", "name")
        self._failed = counter("image_pulls_failure_total", "Failed pulls", "error")
        self._pulled = counter("image_pulls_success_total", "Pulls")
        self._killed = counter("containers_oom_total", "Containers that ran out of memory")
        self._killed_by_name = counter(
            "containers_oom_count_total", "Containers that ran out of memory, by name", "name"
        )
        self._dropped = counter("containers_events_dropped_total", "Events that nobody read")
        name = "processes_defunct"
        defunct = Gauge(_PREFIX + name, "Defunct processes of the node", registry=where(name))
        defunct.set_function(_defunct)

    async def respond(self, method: str, path: str) -> Answer:
        """GET /metrics."""
        if (method, path) != ("GET", "/metrics"):
            return Answer(b"404 page not found\n", 404)
        return Answer(generate_latest(self._registry), kind=CONTENT_TYPE_LATEST)

    @contextmanager
    def call(self, call: Call) -> Iterator[None]:
        try:
            yield
        finally:
            self._operations.labels(call.name).inc()
            self._latest.labels(call.name).set(call.seconds)
            self._latency.labels(call.name).observe(call.seconds)
            if call.code != "OK":
                self._errors.labels(call.name).inc()

    def pulling(self, name: str) -> Progress:
        return _Pull(self, name)

    def pulled(self, code: str) -> None:
        if code == "OK":
            self._pulled.inc()
        else:
            self._failed.labels(code).inc()

    def killed_for_memory(self, container: str) -> None:
        self._killed.inc()
        self._killed_by_name.labels(container).inc()

    def event_dropped(self) -> None:
        self._dropped.inc()

    def blob_came(self, kind: str, blob: Descriptor, count: int) -> None:
        """A blob was pulled whole: so many bytes came."""
        self._bytes.labels(blob.media_type, size_name(count)).inc(count)
        if kind == "blob":
            self._layers.observe(count)

    def blob_was_here(self, blob: Descriptor, name: str) -> None:
        """A blob of an image needed not be pulled."""
        self._skipped.labels(size_name(blob.size)).inc(max(0, blob.size))
        self._reused.labels(name).inc()


def of(observer: Observer) -> Metrics:
    """The metrics among who observes."""
    found = observer.metrics if isinstance(observer, Both) else observer
    assert isinstance(found, Metrics)
    return found


class _Pull(Progress):
    """Counts the bytes of one pull. Called from several threads."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._metrics = metrics
        self._name = name
        self._lock = threading.Lock()
        self._came: dict[str, int] = {}

    def advance(self, kind: str, blob: Descriptor, count: int) -> None:
        with self._lock:
            self._came[blob.digest] = self._came.get(blob.digest, 0) + count

    def skipped(self, kind: str, blob: Descriptor) -> None:
        self._metrics.blob_was_here(blob, self._name)

    def done(self, kind: str, blob: Descriptor) -> None:
        self._metrics.blob_came(kind, blob, self._came.get(blob.digest, max(0, blob.size)))


def size_name(size: float) -> str:
    """The label of a size: ">1 MiB" (CRI-O counts in thousands, and calls them so)."""
    return ">" + _NAMES[sum(size > least for least in _SIZES)]


def _defunct() -> float:
    """Zombies of the whole node."""
    found = 0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    found += file.read().rpartition(b")")[2][1:2] == b"Z"
            except OSError:
                continue  # it has ended
    return found
