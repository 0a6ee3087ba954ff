"""GetContainerEvents: what happens is told, with the statuses that are true then."""

from __future__ import annotations

import threading
import time
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri


@pytest.mark.e2e
def test_events_of_a_container(kubelet: Any) -> None:
    stream = kubelet.client.get_container_events(deadline=60)
    seen: list[Any] = []

    def read() -> None:
        try:
            for event in stream:
                seen.append(event)  # noqa: PERF402 (one by one, as they come)
        except grpc.RpcError:
            return

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.5)
    began = time.time_ns()
    pod = kubelet.pod()
    container = kubelet.run(pod, "sh", "-c", "sleep 0.3; exit 4")
    kubelet.ended(container)
    deadline = time.monotonic() + 60
    while not any(one.container_event_type == cri.CONTAINER_STOPPED_EVENT for one in seen):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kubelet.client.remove_container(container_id=container)
    time.sleep(0.5)
    stream.cancel()
    reader.join()
    told = [(one.container_id, one.container_event_type) for one in seen]
    assert told == [
        (pod, cri.CONTAINER_CREATED_EVENT),
        (pod, cri.CONTAINER_STARTED_EVENT),
        (container, cri.CONTAINER_CREATED_EVENT),
        (container, cri.CONTAINER_STARTED_EVENT),
        (container, cri.CONTAINER_STOPPED_EVENT),
        (container, cri.CONTAINER_DELETED_EVENT),
    ]
    assert began <= seen[0].created_at <= seen[4].created_at <= time.time_ns()
    stopped = seen[4]
    assert stopped.pod_sandbox_status.id == pod
    (status,) = stopped.containers_statuses
    assert (status.state, status.exit_code) == (cri.CONTAINER_EXITED, 4)
    assert not seen[5].containers_statuses
