"""Events of containers and sandboxes with the statuses that kubelet wants to see with them."""

from __future__ import annotations

import time

from rundlet.core import Engine
from rundlet.core.errors import NotFound

from ..containers import record as containers
from ..containers import values as container_values
from ..pods import record as pods
from ..pods import values as pod_values
from ..proto import api_pb2 as cri
from .node import Node


async def tell(node: Node, identity: str, pod: str, kind: cri.ContainerEventType) -> None:
    """Tell of a container, or of a sandbox (identity and pod are the same then)."""
    if node.events.heard:
        node.events.tell(await node.workers.run(_event, identity, pod, kind))


def _event(
    engine: Engine, identity: str, pod: str, kind: cri.ContainerEventType
) -> cri.ContainerEventResponse:
    event = cri.ContainerEventResponse(
        container_id=identity, container_event_type=kind, created_at=time.time_ns()
    )
    try:
        found = pods.find(engine, pod)
    except NotFound:
        return event  # the last event of a sandbox
    event.pod_sandbox_status.CopyFrom(pod_values.status(found))
    event.containers_statuses.extend(
        container_values.status(engine, made) for made in containers.everything(engine, found.id)
    )
    return event
