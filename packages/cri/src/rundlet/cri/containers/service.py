"""The RPCs of containers: translation only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

from rundlet.core import Engine
from rundlet.core.errors import NotSupported, TimedOut
from rundlet.core.state.containers import ContainerRow

from ..proto import api_pb2 as cri
from ..server.node import Node
from ..server.telling import tell
from . import execsync, life, record, restoring, values

CHUNK = 500  # items per message of a streamed list


class ContainerCalls:
    """Create, start, stop, remove, lists, status, limits, logs and ExecSync."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._workers = node.workers

    async def create_container(
        self, request: cri.CreateContainerRequest
    ) -> cri.CreateContainerResponse:
        content = request.config.SerializeToString(deterministic=True)
        key = ("create", request.pod_sandbox_id, content)
        made = await self._workers.once(key, life.create, request.pod_sandbox_id, request.config)
        await tell(self._node, made, request.pod_sandbox_id, cri.CONTAINER_CREATED_EVENT)
        return cri.CreateContainerResponse(container_id=made)

    async def start_container(
        self, request: cri.StartContainerRequest
    ) -> cri.StartContainerResponse:
        container = request.container_id
        made = await self._workers.once(("start", container), life.start, container)
        await tell(self._node, made.row.id, made.row.pod or "", cri.CONTAINER_STARTED_EVENT)
        return cri.StartContainerResponse()

    async def stop_container(self, request: cri.StopContainerRequest) -> cri.StopContainerResponse:
        container, timeout = request.container_id, request.timeout
        # A shorter time-out overtakes a longer one that is under way.
        await self._workers.once(("stop", container, timeout), life.stop, container, timeout)
        return cri.StopContainerResponse()

    async def remove_container(
        self, request: cri.RemoveContainerRequest
    ) -> cri.RemoveContainerResponse:
        container = request.container_id
        gone = await self._workers.once(("remove", container), life.remove, container)
        if gone is not None:
            await tell(self._node, gone.row.id, gone.row.pod or "", cri.CONTAINER_DELETED_EVENT)
        return cri.RemoveContainerResponse()

    def list_containers(self, request: cri.ListContainersRequest) -> bytes | Awaitable[bytes]:
        key = ("containers", request.SerializeToString(deterministic=True))
        return self._node.kept.answer_of_live(key, _listing, request.filter)

    async def stream_containers(
        self, request: cri.StreamContainersRequest
    ) -> AsyncIterator[cri.StreamContainersResponse]:
        found = await self._workers.run(_items, request.filter)
        for start in range(0, len(found), CHUNK):
            yield cri.StreamContainersResponse(containers=found[start : start + CHUNK])

    async def container_status(
        self, request: cri.ContainerStatusRequest
    ) -> cri.ContainerStatusResponse:
        return await self._workers.run(_status, request)

    async def update_container_resources(
        self, request: cri.UpdateContainerResourcesRequest
    ) -> cri.UpdateContainerResourcesResponse:
        if request.HasField("windows"):
            raise NotSupported("windows containers need a Windows node")
        await self._workers.run(life.update, request.container_id, request.linux)
        return cri.UpdateContainerResourcesResponse()

    async def reopen_container_log(
        self, request: cri.ReopenContainerLogRequest
    ) -> cri.ReopenContainerLogResponse:
        await self._workers.run(life.reopen_log, request.container_id)
        return cri.ReopenContainerLogResponse()

    async def checkpoint_container(
        self, request: cri.CheckpointContainerRequest
    ) -> cri.CheckpointContainerResponse:
        self._node.require(
            "crio.runtime.enable_criu_support", "crio.checkpoint_restore.container_level_enabled"
        )
        key = ("checkpoint", request.container_id, request.location)
        work = self._workers.once(key, restoring.checkpoint, request.container_id, request.location)
        try:  # what is late goes on: a retry joins it
            await asyncio.wait_for(work, request.timeout or None)
        except TimeoutError:
            raise TimedOut(f"no checkpoint after {request.timeout} s") from None
        return cri.CheckpointContainerResponse()

    async def get_container_events(
        self, _: cri.GetEventsRequest
    ) -> AsyncIterator[cri.ContainerEventResponse]:
        self._node.require("crio.runtime.enable_pod_events")
        async for event in self._node.events.listen():
            yield event

    async def exec_sync(self, request: cri.ExecSyncRequest) -> cri.ExecSyncResponse:
        return await self._workers.run(
            execsync.execsync, request.container_id, list(request.cmd), request.timeout
        )


def _listing(
    engine: Engine, wanted: cri.ContainerFilter
) -> tuple[cri.ListContainersResponse, list[ContainerRow]]:
    """The answer, with all containers that a filter might have let through."""
    every = record.everything(engine)
    items = [values.item(made) for made in every if values.fits(made, wanted)]
    return cri.ListContainersResponse(containers=items), [made.row for made in every]


def _items(engine: Engine, wanted: cri.ContainerFilter) -> list[cri.Container]:
    return [values.item(made) for made in values.listed(engine, wanted)]


def _status(engine: Engine, request: cri.ContainerStatusRequest) -> cri.ContainerStatusResponse:
    made = record.find(engine, request.container_id)
    answer = cri.ContainerStatusResponse(status=values.status(engine, made))
    if request.verbose:
        answer.info["info"] = values.info(engine, made)
    return answer
