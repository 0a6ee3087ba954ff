"""A server is killed in the middle of each kind of work: the next one loses and leaves nothing.

RunPodSandbox and CreateContainer are in pods/test_pods.py and containers/test_life.py.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from devtools.lying import LyingRegistry
from rundlet.cri.proto import api_pb2 as cri

from ..images.test_images import named, tiny

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def clean(server: Any) -> str:
    """What `system check` says of the store, the server being away or not."""
    words = [Path(sys.executable).with_name("rundlet"), *server.places, "system", "check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def mounted(server: Any) -> bool:
    return str(server.runroot) in Path("/proc/self/mountinfo").read_text()


def test_pulls(server: Any) -> None:
    client = server.start()
    with LyingRegistry() as registry:
        name = tiny(registry, 200_000)
        layer = registry.layer  # type: ignore[attr-defined]
        registry.behave = lambda exchange: (
            exchange.path.endswith(layer)
            and exchange.drip(registry.blobs[layer], pieces=20, pause=0.1)
        )
        for delay in (0.1, 0.5, 1.5):  # before the layer, in it, at its end
            with contextlib.suppress(grpc.RpcError):
                client.pull_image(image=named(name), deadline=delay)
            server.kill()
            client = server.start()
            assert not client.list_images().images
            assert not client.image_status(image=named(name)).HasField("image")
            assert not list((server.root / "tmp").glob("*")), "what came of it is deleted"
        registry.behave = lambda exchange: False
        client.pull_image(image=named(name))
        assert len(client.list_images().images) == 1
        client.remove_image(image=named(name))
    clean(server)


def test_stops_and_removals(kubelet: Any) -> None:
    """Whatever was done of it, the pod is stopped and removed by asking again."""
    script = "trap '' TERM; sleep 600 & wait"
    server = kubelet.server
    for number, delay in enumerate((0.005, 0.02, 0.05, 0.1, 0.2)):
        for verb in ("stop", "remove"):
            config = kubelet.pod_config(f"{verb}{number}", network=cri.POD, pid=cri.POD)
            pod = kubelet.pod(config)
            container = kubelet.run(pod, "sh", "-c", script)
            call = getattr(kubelet.client, f"{verb}_pod_sandbox")
            with contextlib.suppress(grpc.RpcError):
                call(pod_sandbox_id=pod, deadline=delay)
            server.kill()
            kubelet.again()
            client = kubelet.client
            for item in client.list_containers().containers:
                assert item.id == container
            client.stop_pod_sandbox(pod_sandbox_id=pod)
            for item in client.list_pod_sandbox().items:
                assert (item.id, item.state) == (pod, cri.SANDBOX_NOTREADY)
            client.remove_pod_sandbox(pod_sandbox_id=pod)
            assert not client.list_pod_sandbox().items
            assert not client.list_containers().containers
            assert not list((server.runroot / "netns").iterdir())
            assert not list((server.runroot / "pods").iterdir())
            assert not mounted(server)
    clean(server)


def test_stops_of_a_container(kubelet: Any) -> None:
    """It goes on running, or has ended with its code; a stop asked again ends it."""
    pod = kubelet.pod()
    script = "trap 'sleep 0.3; exit 5' TERM; touch /ready; sleep 600 & wait"
    for number, delay in enumerate((0.02, 0.2, 0.4)):
        container = kubelet.run(pod, "sh", "-c", script, name=f"c{number}")
        kubelet.exec(container, "sh", "-c", "until test -e /ready; do sleep 0.05; done")
        with contextlib.suppress(grpc.RpcError):
            kubelet.client.stop_container(container_id=container, timeout=30, deadline=delay)
        kubelet.server.kill()
        kubelet.again()
        kubelet.client.stop_container(container_id=container, timeout=30)
        status = kubelet.status(container)
        assert (status.state, status.exit_code) == (cri.CONTAINER_EXITED, 5)
        kubelet.client.remove_container(container_id=container)
    clean(kubelet.server)


def test_execs(kubelet: Any) -> None:
    """The container is as it was; no command is left in it that nobody waits for."""
    pod = kubelet.pod()
    container = kubelet.run(pod, "sleep", "600")
    for delay in (0.01, 0.05, 0.3):

        def work() -> None:
            with contextlib.suppress(grpc.RpcError):
                kubelet.exec(container, "sleep", "77", timeout=2)

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(delay)
        kubelet.server.kill()
        thread.join()
        kubelet.again()
        assert kubelet.exec(container, "echo", "alive")[1] == "alive\n"
        deadline = time.monotonic() + 30
        while "sleep 77" in kubelet.exec(container, "ps")[1]:
            assert time.monotonic() < deadline, "it had two seconds"
            time.sleep(0.2)
    kubelet.client.remove_container(container_id=container)
    clean(kubelet.server)
