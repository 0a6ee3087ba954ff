"""The RPCs of stats and metrics: translation only."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rundlet.core import Engine

from ..containers import record as containers
from ..containers.values import listed as containers_listed
from ..pods import record as pods
from ..pods.values import listed as pods_listed
from ..proto import api_pb2 as cri
from ..server.node import Node
from . import metrics, values
from .rates import Rates

CHUNK = 100  # items per message of a streamed list


class StatsCalls:
    """Stats of containers and sandboxes, one, listed and streamed; metrics."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._workers = node.workers
        self._rates = Rates()

    async def container_stats(
        self, request: cri.ContainerStatsRequest
    ) -> cri.ContainerStatsResponse:
        def work(engine: Engine) -> cri.ContainerStats:
            made = containers.find(engine, request.container_id)
            return values.container(engine, made, self._rates)

        return cri.ContainerStatsResponse(stats=await self._workers.run(work))

    async def list_container_stats(
        self, request: cri.ListContainerStatsRequest
    ) -> cri.ListContainerStatsResponse:
        stats = await self._workers.run(self._containers, request.filter)
        return cri.ListContainerStatsResponse(stats=stats)

    async def stream_container_stats(
        self, request: cri.StreamContainerStatsRequest
    ) -> AsyncIterator[cri.StreamContainerStatsResponse]:
        found = await self._workers.run(self._containers, request.filter)
        for start in range(0, len(found), CHUNK):
            yield cri.StreamContainerStatsResponse(container_stats=found[start : start + CHUNK])

    def _containers(
        self, engine: Engine, wanted: cri.ContainerStatsFilter
    ) -> list[cri.ContainerStats]:
        """Of the running ones, as kubelet expects."""
        chosen = cri.ContainerFilter(
            id=wanted.id,
            pod_sandbox_id=wanted.pod_sandbox_id,
            label_selector=wanted.label_selector,
            state=cri.ContainerStateValue(state=cri.CONTAINER_RUNNING),
        )
        found = containers_listed(engine, chosen)
        return [values.container(engine, made, self._rates) for made in found]

    async def pod_sandbox_stats(
        self, request: cri.PodSandboxStatsRequest
    ) -> cri.PodSandboxStatsResponse:
        def work(engine: Engine) -> cri.PodSandboxStats:
            return values.pod(engine, pods.find(engine, request.pod_sandbox_id), self._rates)

        return cri.PodSandboxStatsResponse(stats=await self._workers.run(work))

    async def list_pod_sandbox_stats(
        self, request: cri.ListPodSandboxStatsRequest
    ) -> cri.ListPodSandboxStatsResponse:
        stats = await self._workers.run(self._pods, request.filter)
        return cri.ListPodSandboxStatsResponse(stats=stats)

    async def stream_pod_sandbox_stats(
        self, request: cri.StreamPodSandboxStatsRequest
    ) -> AsyncIterator[cri.StreamPodSandboxStatsResponse]:
        found = await self._workers.run(self._pods, request.filter)
        for start in range(0, len(found), CHUNK):
            yield cri.StreamPodSandboxStatsResponse(pod_sandbox_stats=found[start : start + CHUNK])

    def _pods(self, engine: Engine, wanted: cri.PodSandboxStatsFilter) -> list[cri.PodSandboxStats]:
        chosen = cri.PodSandboxFilter(
            id=wanted.id,
            label_selector=wanted.label_selector,
            state=cri.PodSandboxStateValue(state=cri.SANDBOX_READY),
        )
        self._rates.keep({made.row.id for made in containers.everything(engine)})
        return [values.pod(engine, pod, self._rates) for pod in pods_listed(engine, chosen)]

    @property
    def _included(self) -> tuple[str, ...]:
        return metrics.chosen(self._node.config.texts("crio.stats.included_pod_metrics"))

    async def list_metric_descriptors(
        self, _: cri.ListMetricDescriptorsRequest
    ) -> cri.ListMetricDescriptorsResponse:
        return cri.ListMetricDescriptorsResponse(descriptors=metrics.descriptors(self._included))

    async def list_pod_sandbox_metrics(
        self, _: cri.ListPodSandboxMetricsRequest
    ) -> cri.ListPodSandboxMetricsResponse:
        found = await self._workers.run(self._pods, cri.PodSandboxStatsFilter())
        return cri.ListPodSandboxMetricsResponse(
            pod_metrics=[metrics.pod(one, self._included) for one in found]
        )

    async def stream_pod_sandbox_metrics(
        self, _: cri.StreamPodSandboxMetricsRequest
    ) -> AsyncIterator[cri.StreamPodSandboxMetricsResponse]:
        found = await self._workers.run(self._pods, cri.PodSandboxStatsFilter())
        for start in range(0, len(found), CHUNK):
            yield cri.StreamPodSandboxMetricsResponse(
                pod_sandbox_metrics=[
                    metrics.pod(one, self._included) for one in found[start : start + CHUNK]
                ]
            )
