"""Lists that are asked for again and again tell at once what another process has changed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from devtools.waiting import until
from rundlet.core import Engine
from rundlet.core.settings.load import load
from rundlet.cri.proto import api_pb2 as cri


def engine_of(server: Any) -> Engine:
    return Engine(load().replace(graph_root=str(server.root), run_root=str(server.runroot)))


@pytest.mark.e2e
def test_what_others_write_shows_at_once(kubelet: Any) -> None:
    client = kubelet.client
    wanted = cri.ImageSpec(image=kubelet.image)
    pod = kubelet.pod()
    with engine_of(kubelet.server) as engine:
        for number in range(3):
            name = f"localhost/kept:{number}"
            engine.images.tag(kubelet.image, name)
            assert name in client.image_status(image=wanted).image.repo_tags
            assert name in client.list_images().images[0].repo_tags
            container = kubelet.create(pod, kubelet.config("true", name=f"c{number}"))
            assert container in [one.id for one in client.list_containers().containers]
            engine.containers.remove(container, force=True)
            assert not client.list_containers().containers
        engine.images.untag(kubelet.image, name)
    assert name not in client.image_status(image=wanted).image.repo_tags
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert not client.list_pod_sandbox().items


@pytest.mark.e2e
def test_a_process_that_ends_shows_without_any_change_of_the_state(kubelet: Any) -> None:
    """Its monitor was killed before it: nobody writes an exit code."""
    client = kubelet.client
    container = kubelet.run(kubelet.pod(), "sleep", "60")
    for _ in range(2):
        (listed,) = client.list_containers().containers
        assert listed.state == cri.CONTAINER_RUNNING
    info = json.loads(client.container_status(container_id=container, verbose=True).info["info"])
    monitor = kubelet.server.runroot / "containers" / container / "conmon.pid"
    os.kill(int(Path(monitor).read_text()), signal.SIGKILL)
    (listed,) = client.list_containers().containers
    assert listed.state == cri.CONTAINER_RUNNING
    os.kill(int(info["pid"]), signal.SIGKILL)
    until(lambda: client.list_containers().containers[0].state == cri.CONTAINER_EXITED)
