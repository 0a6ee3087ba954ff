"""Who is told of calls, pulls and ends: nobody, metrics, traces, or both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rundlet.core.images.progress import Progress

from ..config.model import Config


class Call:
    """One call under way. metadata: its client's. code: the name of its gRPC status in the end."""

    def __init__(
        self, service: str, name: str, metadata: tuple[tuple[str, str | bytes], ...]
    ) -> None:
        self.service = service
        self.name = name
        self.metadata = metadata
        self.begun = time.perf_counter()
        self.code = "OK"

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun


class Observer:
    """Base: looks at nothing."""

    def call(self, call: Call) -> AbstractContextManager[None]:
        """A call, from its begin to its end."""
        return nullcontext()

    def pulling(self, name: str) -> Progress | None:
        """A pull begins: who is told of its bytes."""
        return None

    def pulled(self, code: str) -> None:
        """It has ended, with the name of a gRPC status."""

    def killed_for_memory(self, container: str) -> None:
        """A container, by name, was killed because it ran out of memory."""

    def event_dropped(self) -> None:
        """An event found a listener that does not read."""

    def close(self) -> None:
        """Tell what has not been told yet."""


class Both(Observer):
    """Metrics within traces."""

    def __init__(self, traces: Observer, metrics: Observer) -> None:
        self._traces = traces
        self.metrics = metrics

    @contextmanager
    def call(self, call: Call) -> Iterator[None]:
        with self._traces.call(call), self.metrics.call(call):
            yield

    def pulling(self, name: str) -> Progress | None:
        return self.metrics.pulling(name)

    def pulled(self, code: str) -> None:
        self.metrics.pulled(code)

    def killed_for_memory(self, container: str) -> None:
        self.metrics.killed_for_memory(container)

    def event_dropped(self) -> None:
        self.metrics.event_dropped()

    def close(self) -> None:
        self._traces.close()


def observer(config: Config) -> Observer:
    """As the configuration wants it. Raises SettingsError for what is not installed."""
    found = Observer()
    if config.flag("crio.metrics.enable_metrics"):
        from .metrics import Metrics

        found = Metrics(config.texts("crio.metrics.metrics_collectors"))
    if config.flag("crio.tracing.enable_tracing"):
        from .traces import Traces

        found = Both(Traces(config), found)
    return found
