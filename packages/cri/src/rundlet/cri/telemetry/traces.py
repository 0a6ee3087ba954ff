"""OpenTelemetry traces: a span for each call, in the caller's trace where it has one (W3C)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rundlet.core.errors import SettingsError

from .. import __version__
from ..config.model import Config
from .observer import Call, Observer

try:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as missing:
    raise SettingsError(
        f"crio.tracing.enable_tracing: {missing.name} is not installed",
        remedy="pip install rundlet-cri[tracing]",
    ) from None

_CODES = ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
          "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
          "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
          "UNAUTHENTICATED")  # fmt: skip


class Traces(Observer):
    """Exports to the collector of the configuration, in the background; lost when it is away."""

    def __init__(self, config: Config) -> None:
        table = "crio.tracing"
        rate = config.number(f"{table}.tracing_sampling_rate_per_million") / 1_000_000
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(min(1.0, max(0.0, rate)))),
            resource=Resource.create(
                {"service.name": "rundlet-cri", "service.version": __version__}
            ),
        )
        exporter = OTLPSpanExporter(
            endpoint=config.text(f"{table}.tracing_endpoint"), insecure=True
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rundlet.cri", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def call(self, call: Call) -> Iterator[None]:
        carrier = {key: value for key, value in call.metadata if isinstance(value, str)}
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": call.service,
            "rpc.method": call.name,
        }
        with self._tracer.start_as_current_span(
            f"{call.service}/{call.name}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            finally:
                span.set_attribute("rpc.grpc.status_code", _CODES.index(call.code))
                if call.code != "OK":
                    span.set_status(Status(StatusCode.ERROR, call.code))

    def close(self) -> None:
        self._provider.shutdown()
