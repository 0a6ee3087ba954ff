"""CRI servers that are measured: ours and Debian's containerd, driven by one gRPC client.

Both run runc over overlay, with the same image, and each with a network of its own of the same
kind. A sample's memory is that of the server (containerd's shims come on top, and our monitors).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc

from devtools import images
from devtools.registry import Registry, push
from rundlet.cri.proto import api_pb2 as cri

from .tools import Bench, Sample

PATIENCE = 60.0
"""Seconds that a server has to answer."""
_TICKS = os.sysconf("SC_CLK_TCK")

CONTAINERD = """\
version = 2
root = "{root}"
state = "{state}"
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
stream_server_port = "0"
restrict_oom_score_adj = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{networks}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""

RUNDLET = """\
runtime = "runc"
default_network = "bench"
network_config_dirs = ["{networks}"]
"""


def _conflist(bridge: str, subnet: str) -> str:
    plugins = [
        {
            "type": "bridge",
            "bridge": bridge,
            "isGateway": True,
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "routes": [{"dst": "0.0.0.0/0"}],
                "ranges": [[{"subnet": subnet}]],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return json.dumps({"cniVersion": "0.4.0", "name": "bench", "plugins": plugins})


class Server:
    """A CRI server and its client: `server.version()` sends a VersionRequest."""

    def __init__(self, name: str, directory: Path, command: list[str], **environment: str) -> None:
        self.name = name
        self.image = ""
        self._socket = directory / "s"
        self._log = (directory / "log").open("wb")
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, env={**os.environ, **environment}
        )
        self._calls: dict[str, Any] = {}
        self._channel = grpc.insecure_channel(f"unix:{self._socket}")
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if all(one.status for one in self.status().status.conditions):
                    return
            except grpc.RpcError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: {Path(self._log.name).read_text()[-4000:]}")
            time.sleep(0.1)

    def __getattr__(self, name: str) -> Any:
        call = self._calls.get(name) or self._calls.setdefault(name, self._call(name))
        return lambda **fields: call(fields)

    def _call(self, name: str) -> Callable[[dict[str, Any]], Any]:
        for service in cri.DESCRIPTOR.services_by_name.values():
            for rpc in service.methods:
                if rpc.name.lower() == name.replace("_", ""):
                    request = getattr(cri, rpc.input_type.name)
                    send = self._channel.unary_unary(
                        f"/runtime.v1.{service.name}/{rpc.name}",
                        request_serializer=request.SerializeToString,
                        response_deserializer=getattr(cri, rpc.output_type.name).FromString,
                    )
                    return lambda fields: send(request(**fields), timeout=PATIENCE)
        raise AttributeError(name)

    def time(self, work: Callable[[], object]) -> Sample:
        """Do it and measure: the client's time, the server's CPU and memory."""
        cpu = self._cpu()
        start = time.perf_counter()
        work()
        wall = time.perf_counter() - start
        return Sample(wall, self._cpu() - cpu, self.memory())

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> int:
        """Resident KiB of the server."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def close(self) -> None:
        """Remove all pods, and end it."""
        with suppress(grpc.RpcError):
            for item in self.list_pod_sandbox().items:
                self.stop_pod_sandbox(pod_sandbox_id=item.id)
                self.remove_pod_sandbox(pod_sandbox_id=item.id)
        self._channel.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@contextmanager
def setting(scratch: Path) -> Iterator[tuple[Bench, list[Server]]]:
    """A registry with the images, and both servers with stores of their own that hold them."""
    layout = images.Layout(scratch / "cri-layout")
    small = images.busybox()
    layout.add("busybox", small)
    pause = {"Entrypoint": ["/bin/sleep", "1000000"], "Cmd": None}
    layout.add("pause", replace(small, config={**small.config, **pause}))
    servers: list[Server] = []
    with Registry(scratch / "cri-registry") as registry:
        for name in ("busybox", "pause"):
            push(scratch / "cri-layout", name, f"{registry.host}/{name}:latest")
        try:
            for start in (_rundlet, _containerd):
                servers.append(start(scratch, registry.host))
                spec = cri.ImageSpec(image=f"{registry.host}/busybox:latest")
                servers[-1].image = servers[-1].pull_image(image=spec).image_ref
            yield Bench(registry.host, scratch), servers
        finally:
            for server in servers:
                server.close()
            for bridge in ("rbench0", "cbench0"):
                subprocess.run(["ip", "link", "delete", bridge], capture_output=True)


def _networks(directory: Path, bridge: str, subnet: str) -> Path:
    (directory / "net.d").mkdir(parents=True)
    (directory / "net.d/10-bench.conflist").write_text(_conflist(bridge, subnet))
    return directory / "net.d"


def _rundlet(scratch: Path, _: str) -> Server:
    directory = scratch / "cri-ours"
    networks = _networks(directory, "rbench0", "10.231.0.0/16")
    configuration = directory / "rundlet.toml"
    configuration.write_text(RUNDLET.format(networks=networks))
    program = str(Path(sys.executable).with_name("rundlet-cri"))
    places = [f"--root={directory}/root", f"--runroot={directory}/run"]
    alone = ("--config", "", "--config-dir", "")
    words = [program, *alone, *places, "serve", "--listen", f"{directory}/s"]
    return Server("rundlet", directory, words, RUNDLET_CONF=str(configuration))


def _containerd(scratch: Path, registry: str) -> Server:
    directory = scratch / "cri-peer"
    networks = _networks(directory, "cbench0", "10.232.0.0/16")
    configuration = directory / "config.toml"
    configuration.write_text(
        CONTAINERD.format(
            root=directory / "root",
            state=directory / "state",
            socket=directory / "s",
            pause=f"{registry}/pause:latest",
            networks=networks,
        )
    )
    return Server("containerd", directory, ["containerd", "--config", str(configuration)])
