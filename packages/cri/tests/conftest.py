"""A real server on a real socket, and a gRPC client for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from devtools.registry import Registry
from rundlet.core.settings.load import load
from rundlet.cri.proto import api_pb2 as cri

SCRIPT = Path(sys.executable).with_name("rundlet-cri")
PATIENCE = 120.0  # seconds; this machine may be busy


class Client:
    """Any RPC by its name: `client.version()` sends a VersionRequest."""

    def __init__(self, socket: Path) -> None:
        self.channel = grpc.insecure_channel(
            f"unix:{socket}", [("grpc.max_receive_message_length", 16 * 1024 * 1024)]
        )

    def _rpc(self, name: str) -> tuple[str, Any]:
        for service in cri.DESCRIPTOR.services_by_name.values():
            for rpc in service.methods:
                if rpc.name.lower() == name.replace("_", ""):
                    return f"/runtime.v1.{service.name}/{rpc.name}", rpc
        raise AttributeError(name)

    def __getattr__(self, name: str) -> Any:
        path, rpc = self._rpc(name)
        request = getattr(cri, rpc.input_type.name)
        answer = getattr(cri, rpc.output_type.name)
        make = self.channel.unary_stream if rpc.server_streaming else self.channel.unary_unary
        call = make(
            path,
            request_serializer=request.SerializeToString,
            response_deserializer=answer.FromString,
        )

        def send(deadline: float = PATIENCE, **fields: Any) -> Any:
            return call(request(**fields), timeout=deadline)

        return send


class Server:
    """`rundlet-cri serve` on its own root; may be killed and started again."""

    def __init__(self, directory: Path, *words: str, options: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.root = directory / "root"
        self.runroot = directory / "run"
        self.sockets = Path(tempfile.mkdtemp(prefix="cri-"))  # socket paths are short
        self.socket = self.sockets / "s"
        self.words = words
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory / "server.log"
        self.environment: dict[str, str] = {}
        self.configuration = directory / "rundlet.toml"
        self.configuration.touch()
        os.utime(self.configuration, (1, 1))  # one of this moment might change again at once
        self.crio = directory / "crio.conf"
        self.crio.touch()
        self.drop_ins = directory / "crio.conf.d"
        self.drop_ins.mkdir(exist_ok=True)

    @property
    def places(self) -> tuple[str, ...]:
        return ("--root", str(self.root), "--runroot", str(self.runroot))

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "RUNDLET_CONF": str(self.configuration), **self.environment}

    @property
    def globals(self) -> tuple[str, ...]:
        configuration = ("--config", str(self.crio), "--config-dir", str(self.drop_ins))
        return (*configuration, *self.places, "--cni-default-network", "podman", *self.options)

    def start(self) -> Client:
        if not self.configuration.stat().st_size:
            load(self.variables)  # settings are kept: else the server needs 0.3 s for them
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [SCRIPT, *self.globals, "serve", "--listen", str(self.socket), *self.words],
                stdout=log, stderr=log, env=self.variables,
            )  # fmt: skip
        client = Client(self.socket)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                client.version(deadline=1)
                return client
            except grpc.RpcError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.05)
                client.channel.close()
                client = Client(self.socket)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command with this server's configuration."""
        listen = ("--listen", str(self.socket))
        return subprocess.run(
            [SCRIPT, *self.globals, *listen, *words],
            env=self.variables, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def logged(self, words: str, *, after: int = 0) -> str:
        """The log from a place on, once it has these words."""
        deadline = time.monotonic() + PATIENCE
        while words not in (text := self.log.read_text()[after:]):
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
        return text

    def kill(self) -> None:
        """As the OOM killer would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def close(self) -> None:
        """End it, and remove the pods that a test (one that failed) has left."""
        if self.process is not None:
            client = Client(self.socket) if self.process.poll() is None else self.start()
            for item in client.list_pod_sandbox().items:
                client.remove_pod_sandbox(pod_sandbox_id=item.id)
            self.stop()
        shutil.rmtree(self.sockets)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Client:
    return server.start()


class Kubelet:
    """What kubelet asks for, in few words: pods and containers of the busybox image."""

    def __init__(self, server: Server, client: Client, image: str) -> None:
        self.server = server
        self.client = client
        self.image = client.pull_image(image=cri.ImageSpec(image=image)).image_ref
        self.logs = server.directory / "logs"

    def pod_config(self, name: str = "web", **options: Any) -> cri.PodSandboxConfig:
        """options: fields of NamespaceOption; the network is the node's unless said."""
        options = {"network": cri.NODE, "pid": cri.CONTAINER, **options}
        security = cri.LinuxSandboxSecurityContext(namespace_options=cri.NamespaceOption(**options))
        return cri.PodSandboxConfig(
            metadata=cri.PodSandboxMetadata(name=name, uid=f"u-{name}", namespace="default"),
            hostname=name,
            log_directory=str(self.logs),
            linux=cri.LinuxPodSandboxConfig(
                cgroup_parent="/rundlet-cri-tests", security_context=security
            ),
        )

    def pod(self, config: cri.PodSandboxConfig | None = None) -> str:
        return str(self.client.run_pod_sandbox(config=config or self.pod_config()).pod_sandbox_id)

    def config(self, *command: str, name: str = "main", **fields: Any) -> cri.ContainerConfig:
        security = fields.pop("security", cri.LinuxContainerSecurityContext())
        if not security.HasField("namespace_options"):
            security.namespace_options.pid = cri.CONTAINER
        resources = fields.pop("resources", None)
        return cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name=name),
            image=cri.ImageSpec(image=self.image),
            command=command,
            log_path=f"{name}.log",
            linux=cri.LinuxContainerConfig(security_context=security, resources=resources),
            **fields,
        )

    def create(self, pod: str, config: cri.ContainerConfig) -> str:
        return str(self.client.create_container(pod_sandbox_id=pod, config=config).container_id)

    def run(self, pod: str, *command: str, **fields: Any) -> str:
        container = self.create(pod, self.config(*command, **fields))
        self.client.start_container(container_id=container)
        return container

    def status(self, container: str) -> cri.ContainerStatus:
        status: cri.ContainerStatus = self.client.container_status(container_id=container).status
        return status

    def ended(self, container: str) -> cri.ContainerStatus:
        """The status after the exit, which is waited for."""
        deadline = time.monotonic() + PATIENCE
        while (status := self.status(container)).state != cri.CONTAINER_EXITED:
            assert time.monotonic() < deadline, status
            time.sleep(0.02)
        return status

    def output(self, pod: str, *command: str, **fields: Any) -> str:
        """What a command prints in a container of its own."""
        container = self.run(pod, *command, **fields)
        status = self.ended(container)
        text = Path(status.log_path).read_text()
        self.client.remove_container(container_id=container)
        Path(status.log_path).unlink()
        assert status.exit_code == 0, text
        return "\n".join(line.split(" ", 3)[3] for line in text.splitlines())

    def exec(self, container: str, *command: str, timeout: int = 0) -> tuple[int, str, str]:
        answer = self.client.exec_sync(container_id=container, cmd=command, timeout=timeout)
        return answer.exit_code, answer.stdout.decode(), answer.stderr.decode()

    def again(self) -> None:
        """Start a new server after the old one was killed."""
        self.client = self.server.start()


@pytest.fixture
def kubelet(server: Server, client: Client, registry: Registry) -> Kubelet:
    return Kubelet(server, client, f"{registry.host}/busybox:latest")


@pytest.fixture
def make_kubelet(server: Server, registry: Registry) -> Callable[[], Kubelet]:
    """For tests that write the server's configuration before it is started."""
    return lambda: Kubelet(server, server.start(), f"{registry.host}/busybox:latest")
