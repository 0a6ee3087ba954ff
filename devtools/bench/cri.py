"""Rows of the CRI: our server beside Debian's containerd (servers.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rundlet.cri.proto import api_pb2 as cri

from .rows import Row
from .servers import Server
from .tools import Bench

MANY = 200
"""Containers that are listed."""

ROWS: list[Row] = []


def _pod(name: str) -> cri.PodSandboxConfig:
    options = cri.NamespaceOption(network=cri.POD, pid=cri.CONTAINER)
    security = cri.LinuxSandboxSecurityContext(namespace_options=options)
    return cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name=name, uid=name, namespace="bench"),
        linux=cri.LinuxPodSandboxConfig(cgroup_parent="/rundlet-bench", security_context=security),
    )


def _container(server: Server, pod: str, config: cri.PodSandboxConfig, name: str) -> str:
    security = cri.LinuxContainerSecurityContext(
        namespace_options=cri.NamespaceOption(pid=cri.CONTAINER)
    )
    wanted = cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name=name),
        image=cri.ImageSpec(image=server.image),
        command=["sleep", "1000"],
        linux=cri.LinuxContainerConfig(security_context=security),
    )
    answer = server.create_container(pod_sandbox_id=pod, config=wanted, sandbox_config=config)
    return str(answer.container_id)


def _run(server: Server, config: cri.PodSandboxConfig) -> str:
    return str(server.run_pod_sandbox(config=config).pod_sandbox_id)


def _remove(server: Server, pod: str) -> None:
    server.stop_pod_sandbox(pod_sandbox_id=pod)
    server.remove_pod_sandbox(pod_sandbox_id=pod)


Steps = Iterator[Callable[[], object]]


def run_pod_sandbox(bench: Bench, server: Server) -> Steps:
    number = 0
    while True:
        number += 1
        made: list[str] = []
        config = _pod(f"run-{number}")
        yield lambda made=made, config=config: made.append(_run(server, config))  # type: ignore[misc]  # None
        _remove(server, made[0])


def create_and_start(bench: Bench, server: Server) -> Steps:
    config = _pod("containers")
    pod = _run(server, config)
    number = 0
    try:
        while True:
            number += 1
            made: list[str] = []

            def work(made: list[str] = made, name: str = f"c-{number}") -> None:
                made.append(_container(server, pod, config, name))
                server.start_container(container_id=made[0])

            yield work
            server.stop_container(container_id=made[0], timeout=0)
            server.remove_container(container_id=made[0])
    finally:
        _remove(server, pod)


def exec_sync(bench: Bench, server: Server) -> Steps:
    config = _pod("exec")
    pod = _run(server, config)
    container = _container(server, pod, config, "c")
    server.start_container(container_id=container)
    try:
        while True:
            yield lambda: server.exec_sync(container_id=container, cmd=["true"])
    finally:
        _remove(server, pod)


def stop_and_remove(bench: Bench, server: Server) -> Steps:
    number = 0
    while True:
        number += 1
        config = _pod(f"stop-{number}")
        pod = _run(server, config)
        container = _container(server, pod, config, "c")
        server.start_container(container_id=container)

        def work(pod: str = pod, container: str = container) -> None:
            server.stop_container(container_id=container, timeout=0)
            server.remove_container(container_id=container)
            _remove(server, pod)

        yield work


def list_containers(bench: Bench, server: Server) -> Steps:
    config = _pod("list")
    pod = _run(server, config)
    for number in range(MANY):
        _container(server, pod, config, f"c-{number}")
    try:
        while True:
            yield server.list_containers
    finally:
        _remove(server, pod)


def image_status(bench: Bench, server: Server) -> Steps:
    while True:
        yield lambda: server.image_status(image=cri.ImageSpec(image=server.image))


for _title, _repeat, _steps in (
    ("CRI RunPodSandbox", 15, run_pod_sandbox),
    ("CRI CreateContainer and StartContainer", 15, create_and_start),
    ("CRI ExecSync", 15, exec_sync),
    ("CRI Stop and Remove of container and pod", 15, stop_and_remove),
    (f"CRI ListContainers with {MANY}", 61, list_containers),
    ("CRI ImageStatus", 101, image_status),
):
    ROWS.append(Row(_title, 1.0, _repeat, _steps))  # type: ignore[arg-type]  # of a Server
