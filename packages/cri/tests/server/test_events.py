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
    deadline = time.monotonic() + 60
    while not seen:  # it listens once it tells of one
        assert time.monotonic() < deadline
        kubelet.client.remove_pod_sandbox(pod_sandbox_id=kubelet.pod(kubelet.pod_config("warm")))
        time.sleep(0.05)
    began = time.time_ns()
    pod = kubelet.pod()
    container = kubelet.run(pod, "sh", "-c", "until test -e /go; do sleep 0.05; done; exit 4")
    kubelet.exec(container, "touch", "/go")
    kubelet.ended(container)

    def until_told(kind: int) -> list[Any]:
        while True:
            mine = [one for one in seen if one.container_id in (pod, container)]
            if mine and mine[-1].container_event_type == kind:
                return mine
            assert time.monotonic() < deadline, mine
            time.sleep(0.02)

    until_told(cri.CONTAINER_STOPPED_EVENT)
    kubelet.client.remove_container(container_id=container)
    mine = until_told(cri.CONTAINER_DELETED_EVENT)
    stream.cancel()
    reader.join()
    assert [(one.container_id, one.container_event_type) for one in mine] == [
        (pod, cri.CONTAINER_CREATED_EVENT),
        (pod, cri.CONTAINER_STARTED_EVENT),
        (container, cri.CONTAINER_CREATED_EVENT),
        (container, cri.CONTAINER_STARTED_EVENT),
        (container, cri.CONTAINER_STOPPED_EVENT),
        (container, cri.CONTAINER_DELETED_EVENT),
    ]
    assert began <= mine[0].created_at <= mine[4].created_at <= time.time_ns()
    stopped = mine[4]
    assert stopped.pod_sandbox_status.id == pod
    (status,) = stopped.containers_statuses
    assert (status.state, status.exit_code) == (cri.CONTAINER_EXITED, 4)
    assert not mine[5].containers_statuses
