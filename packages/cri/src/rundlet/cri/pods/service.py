"""The RPCs of pod sandboxes: translation only."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable

from rundlet.core import Engine

from ..containers.record import everything as containers
from ..containers.values import status as container_status
from ..proto import api_pb2 as cri
from ..server.node import Node
from ..server.telling import tell
from . import checkpoint, record, run, stop, values

CHUNK = 500  # items per message of a streamed list


class PodCalls:
    """Run, stop, remove, status and lists of sandboxes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._workers = node.workers

    async def run_pod_sandbox(self, request: cri.RunPodSandboxRequest) -> cri.RunPodSandboxResponse:
        key = ("run pod", request.SerializeToString(deterministic=True))
        pod = await self._workers.once(key, run.run, request.config, request.runtime_handler)
        for kind in (cri.CONTAINER_CREATED_EVENT, cri.CONTAINER_STARTED_EVENT):
            await tell(self._node, pod, pod, kind)
        return cri.RunPodSandboxResponse(pod_sandbox_id=pod)

    async def stop_pod_sandbox(
        self, request: cri.StopPodSandboxRequest
    ) -> cri.StopPodSandboxResponse:
        pod = request.pod_sandbox_id
        whole = await self._workers.once(("stop pod", pod), stop.stop, pod)
        if whole:
            await tell(self._node, whole, whole, cri.CONTAINER_STOPPED_EVENT)
        return cri.StopPodSandboxResponse()

    async def remove_pod_sandbox(
        self, request: cri.RemovePodSandboxRequest
    ) -> cri.RemovePodSandboxResponse:
        pod = request.pod_sandbox_id
        whole = await self._workers.once(("remove pod", pod), stop.remove, pod)
        if whole:
            await tell(self._node, whole, whole, cri.CONTAINER_DELETED_EVENT)
        return cri.RemovePodSandboxResponse()

    async def pod_sandbox_status(
        self, request: cri.PodSandboxStatusRequest
    ) -> cri.PodSandboxStatusResponse:
        return await self._workers.run(_status, request)

    async def update_pod_sandbox_resources(
        self, request: cri.UpdatePodSandboxResourcesRequest
    ) -> cri.UpdatePodSandboxResourcesResponse:
        await self._workers.run(_update, request)
        return cri.UpdatePodSandboxResourcesResponse()

    async def checkpoint_pod(self, request: cri.CheckpointPodRequest) -> cri.CheckpointPodResponse:
        self._node.require("crio.runtime.enable_criu_support")
        key = ("checkpoint pod", request.SerializeToString(deterministic=True))
        await self._workers.once(key, checkpoint.checkpoint, request)
        return cri.CheckpointPodResponse()

    async def restore_pod(self, request: cri.RestorePodRequest) -> cri.RestorePodResponse:
        self._node.require("crio.runtime.enable_criu_support")
        key = ("restore pod", request.SerializeToString(deterministic=True))
        answer = await self._workers.once(key, checkpoint.restore, request)
        pod = answer.pod_sandbox_id
        made = [pod, *(one.container_id for one in answer.restored_containers)]
        for identity in made:
            for kind in (cri.CONTAINER_CREATED_EVENT, cri.CONTAINER_STARTED_EVENT):
                await tell(self._node, identity, pod, kind)
        return answer

    def list_pod_sandbox(self, request: cri.ListPodSandboxRequest) -> bytes | Awaitable[bytes]:
        key = ("pods", request.SerializeToString(deterministic=True))
        return self._node.kept.answer(key, _listing, request.filter)

    async def stream_pod_sandboxes(
        self, request: cri.StreamPodSandboxesRequest
    ) -> AsyncIterator[cri.StreamPodSandboxesResponse]:
        found = await self._workers.run(_items, request.filter)
        for start in range(0, len(found), CHUNK):
            yield cri.StreamPodSandboxesResponse(pod_sandboxes=found[start : start + CHUNK])


def _listing(engine: Engine, wanted: cri.PodSandboxFilter) -> cri.ListPodSandboxResponse:
    return cri.ListPodSandboxResponse(items=_items(engine, wanted))


def _items(engine: Engine, wanted: cri.PodSandboxFilter) -> list[cri.PodSandbox]:
    return [values.item(pod) for pod in values.listed(engine, wanted)]


def _update(engine: Engine, request: cri.UpdatePodSandboxResourcesRequest) -> None:
    """Keep what kubelet did to the pod's cgroup, which is kubelet's own."""
    pod = record.find(engine, request.pod_sandbox_id)
    config = pod.sandbox
    if request.HasField("overhead"):
        config.linux.overhead.CopyFrom(request.overhead)
    if request.HasField("resources"):
        config.linux.resources.CopyFrom(request.resources)
    record.update(engine, pod, config=config.SerializeToString(deterministic=True))


def _status(engine: Engine, request: cri.PodSandboxStatusRequest) -> cri.PodSandboxStatusResponse:
    pod = record.find(engine, request.pod_sandbox_id)
    answer = cri.PodSandboxStatusResponse(status=values.status(pod))
    if request.verbose:
        answer.info["info"] = values.info(engine, pod)
    answer.timestamp = time.time_ns()
    answer.containers_statuses.extend(
        container_status(engine, made) for made in containers(engine, pod.id)
    )
    return answer
