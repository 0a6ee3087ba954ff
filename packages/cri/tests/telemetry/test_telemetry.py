"""Metrics as Prometheus reads them, and traces as a collector gets them."""

from __future__ import annotations

import queue
import ssl
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

from devtools.certificates import Authority
from devtools.registry import free_port
from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.telemetry.metrics import size_name

_PREFIX = "container_runtime_crio_"


def samples(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix(_PREFIX): float(value) for name, _, value in lines}


@pytest.mark.e2e
def test_metrics_are_counted_and_served_by_tls(server: Any, registry: Any, tmp_path: Any) -> None:
    port = free_port()
    authority = Authority(tmp_path / "first")
    certificate, key = authority.issue("metrics")
    server.crio.write_text(
        f"[crio.metrics]\nenable_metrics = true\nmetrics_port = {port}\n"
        f'metrics_cert = "{certificate}"\nmetrics_key = "{key}"\n'
        'metrics_collectors = ["operations_total", "crio_operations_errors_total",'
        ' "operations_latency_seconds_total", "image_pulls_success_total",'
        ' "image_pulls_failure_total", "image_pulls_bytes_total", "processes_defunct",'
        ' "image_pulls_layer_size"]\n'
    )
    client = server.start()
    context = ssl.create_default_context(cafile=str(authority.certificate))

    def read() -> dict[str, float]:
        url = f"https://localhost:{port}/metrics"
        with urllib.request.urlopen(url, context=context, timeout=60) as answer:
            return samples(answer.read().decode())

    client.pull_image(image=cri.ImageSpec(image=f"{registry.host}/busybox:latest"))
    for _ in range(2):
        with pytest.raises(grpc.RpcError):
            client.pull_image(image=cri.ImageSpec(image=f"{registry.host}/none:latest"))
    found = read()
    assert found['operations_total{operation="PullImage"}'] == 3
    assert found['operations_errors_total{operation="PullImage"}'] == 2
    assert found['operations_latency_seconds_total_count{operation="PullImage"}'] == 3
    assert found["image_pulls_success_total"] == 1
    assert found['image_pulls_failure_total{error="NOT_FOUND"}'] == 2
    assert sum(v for k, v in found.items() if k.startswith("image_pulls_bytes_total")) > 1000
    assert found["image_pulls_layer_size_count"] >= 1
    assert "processes_defunct" in found
    assert not any(name.startswith("operations_latency_seconds{") for name in found), "not asked"
    second = Authority(tmp_path / "second")
    for old, new in zip((certificate, key), second.issue("metrics"), strict=True):
        old.write_bytes(new.read_bytes())
    server.logged("read again")
    context = ssl.create_default_context(cafile=str(second.certificate))
    assert read()['operations_total{operation="PullImage"}'] == 3


def test_sizes_have_cri_os_names() -> None:
    assert [size_name(size) for size in (0, 999, 1001, 2e6, 6e7, 2e10)] == [
        ">0 B", ">0 B", ">1 KiB", ">1 MiB", ">50 MiB", ">10 GiB",
    ]  # fmt: skip


class Collector(services.TraceServiceServicer):  # type: ignore[misc]
    """What opentelemetry-collector does first: it takes spans."""

    def __init__(self) -> None:
        self.spans: queue.Queue[Any] = queue.Queue()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 (of the service)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put((resource.resource, span))
        return otlp.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, int]]:
    made = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    services.add_TraceServiceServicer_to_server(made, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made, port
    server.stop(None)


@pytest.mark.e2e
def test_a_call_is_a_span_in_its_callers_trace(
    server: Any, collector: tuple[Collector, int]
) -> None:
    found, port = collector
    server.crio.write_text(
        f'[crio.tracing]\nenable_tracing = true\ntracing_endpoint = "127.0.0.1:{port}"\n'
    )
    client = server.start()
    status = client.channel.unary_unary(
        "/runtime.v1.RuntimeService/PodSandboxStatus",
        request_serializer=cri.PodSandboxStatusRequest.SerializeToString,
        response_deserializer=cri.PodSandboxStatusResponse.FromString,
    )
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with pytest.raises(grpc.RpcError):
        status(
            cri.PodSandboxStatusRequest(pod_sandbox_id="0123"),
            metadata=(("traceparent", f"00-{trace}-{parent}-01"),),
            timeout=60,
        )
    client.list_pod_sandbox()
    server.stop()  # what is left is told
    resource, span = found.spans.get(timeout=60)
    assert span.name == "runtime.v1.RuntimeService/PodSandboxStatus"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, parent)
    attributes = {one.key: one.value for one in span.attributes}
    assert attributes["rpc.grpc.status_code"].int_value == 5
    names = {one.key: one.value.string_value for one in resource.attributes}
    assert names["service.name"] == "rundlet-cri"
    assert found.spans.empty(), "none of its own: the rate is 0"
    server.crio.write_text("")
    server.start()
