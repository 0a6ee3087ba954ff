"""Keys of crio.conf that no other test has, each by what it does to a real pod."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from devtools.certificates import Authority
from devtools.fixtures import needs
from devtools.registry import Registry, free_port, push
from rundlet.core.containers.state import boot_id
from rundlet.cri.proto import api_pb2 as cri

from ..http.test_api import Http

CONF = """
[crio.runtime]
default_runtime = "base"
bind_mount_prefix = "{directory}/prefix"
disable_hostport_mapping = true
log_size_max = 8192
seccomp_profile = "{directory}/no-chmod.json"
privileged_seccomp_profile = "{directory}/no-mkdir.json"
log_filter = "serving|configuration"
no_pivot = true
conmon_env = ["OF_THE_NODE=yes"]
[crio.runtime.runtimes.base]
runtime_path = "/usr/bin/runc"
[crio.runtime.runtimes.heir]
inherit_default_runtime = true
default_annotations = {{ "of.the/handler" = "yes", "of.the/pod" = "no" }}
[crio.runtime.runtimes.by-platform]
runtime_path = "/no/such/runc"
platform_runtime_paths = {{ "linux/amd64" = "/usr/bin/crun", "linux/arm64" = "/usr/bin/crun" }}
[crio.runtime.workloads.small]
activation_annotation = "io.crio/small"
annotation_prefix = "io.crio.small"
[crio.runtime.workloads.small.resources]
cpulimit = 250
cpuset = "0"
[crio.metrics]
enable_metrics = true
metrics_host = "127.0.0.2"
metrics_port = {port}
metrics_socket = "{sockets}/metrics"
"""


def forbidding(path: Path, *calls: str) -> None:
    rule = {"names": calls, "action": "SCMP_ACT_ERRNO"}
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))


@pytest.fixture
def node(server: Any, make_kubelet: Any) -> Any:
    (server.directory / "prefix/data").mkdir(parents=True)
    (server.directory / "prefix/data/word").write_text("prefixed\n")
    forbidding(server.directory / "no-chmod.json", "chmod", "fchmodat")
    forbidding(server.directory / "no-mkdir.json", "mkdir", "mkdirat")
    port = free_port()
    server.crio.write_text(
        CONF.format(directory=server.directory, sockets=server.sockets, port=port)
    )
    kubelet = make_kubelet()
    kubelet.metrics_port = port
    return kubelet


def info(kubelet: Any, container: str) -> dict[str, Any]:
    answer = kubelet.client.container_status(container_id=container, verbose=True)
    found: dict[str, Any] = json.loads(answer.info["info"])
    return found


def monitor(container: str) -> tuple[list[bytes], list[bytes]]:
    """Command line and environment of a container's conmon."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"conmon") and container.encode() in words:
                return words, (process / "environ").read_bytes().split(b"\0")
    raise AssertionError(f"{container} has no monitor")


@pytest.mark.e2e
def test_mounts_profiles_and_logs(node: Any) -> None:
    config = node.pod_config()
    config.linux.security_context.privileged = True
    pod = node.pod(config)
    mount = cri.Mount(host_path="/data", container_path="/data")
    default = cri.LinuxContainerSecurityContext(
        seccomp=cri.SecurityProfile(profile_type=cri.SecurityProfile.RuntimeDefault)
    )
    script = "cat /data/word; mkdir /d && echo made; chmod 700 /d 2>/dev/null || echo kept"
    shown = node.output(pod, "sh", "-c", script, mounts=[mount], security=default)
    assert shown.split() == ["prefixed", "made", "kept"]
    privileged = cri.LinuxContainerSecurityContext(privileged=True)
    script = "mkdir /d 2>/dev/null || echo none; touch /f; chmod 700 /f && echo changed"
    shown = node.output(pod, "sh", "-c", script, security=privileged)
    assert shown.split() == ["none", "changed"]
    talker = node.run(pod, "sh", "-c", "seq 1 9999; sleep 60", name="talker")
    log = Path(node.status(talker).log_path)
    deadline = time.monotonic() + 60
    while " 9999\n" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert log.stat().st_size <= 8192
    words, variables = monitor(talker)
    assert b"--no-pivot" in words
    assert b"OF_THE_NODE=yes" in variables
    said = node.server.log.read_text()
    assert "serving on" in said
    assert "ready" not in said, "log_filter"
    web = Http(node.server.sockets / "metrics")
    status, text = web.ask("/metrics")
    assert (status, 'operation="RunPodSandbox"' in text) == (200, True)
    with socket.create_connection(("127.0.0.2", node.metrics_port), timeout=60):
        pass


@pytest.mark.e2e
def test_handlers_workloads_and_ports(node: Any) -> None:
    config = node.pod_config(network=cri.POD)
    config.annotations.update({"io.crio/small": "", "of.the/pod": "mine"})
    port = free_port()
    config.port_mappings.add(container_port=8080, host_port=port)
    pod = node.client.run_pod_sandbox(config=config, runtime_handler="heir").pod_sandbox_id
    container = node.run(pod, "httpd", "-f", "-p", "8080")
    spec = info(node, container)["runtimeSpec"]
    assert spec["annotations"]["of.the/handler"] == "yes"
    assert spec["annotations"]["of.the/pod"] == "mine"
    cpu = spec["linux"]["resources"]["cpu"]
    assert (cpu["quota"], cpu["period"], cpu["cpus"]) == (25_000, 100_000, "0")
    address = node.client.pod_sandbox_status(pod_sandbox_id=pod).status.network.ip
    deadline = time.monotonic() + 60
    while (code := connected(address, 8080)) != 0:
        assert time.monotonic() < deadline, os.strerror(code)
        time.sleep(0.05)
    assert connected("127.0.0.1", port) == errno.ECONNREFUSED
    other = node.client.run_pod_sandbox(
        config=node.pod_config("other"), runtime_handler="by-platform"
    ).pod_sandbox_id
    assert node.output(other, "echo", "by crun") == "by crun"


@pytest.mark.e2e
def test_storage_streams_messages_and_versions(server: Any, make_kubelet: Any) -> None:
    """After a reboot containers are wiped, after an upgrade images: files tell of both."""
    boot, release = server.directory / "version", server.directory / "persist"
    clean = server.directory / "clean"
    server.crio.write_text(
        f'[crio]\nstorage_driver = "vfs"\nversion_file = "{boot}"\n'
        f'version_file_persist = "{release}"\nclean_shutdown_file = "{clean}"\n'
        '[crio.api]\nstream_address = "127.0.0.3"\ngrpc_max_recv_msg_size = 100000\n'
        '[crio.network]\nplugin_dirs = ["/no/such/plugins"]\n'
        "[crio.checkpoint_restore]\ncontainer_level_enabled = false\n"
    )
    kubelet = make_kubelet()
    client = kubelet.client
    network = client.status().status.conditions[1]
    assert not network.status
    assert "/no/such/plugins" in network.message
    container = kubelet.run(kubelet.pod(), "sleep", "600")
    assert info(kubelet, container)["runtimeSpec"]["root"]["path"].startswith(f"{server.root}/vfs/")
    url = client.exec(container_id=container, cmd=["true"], stdout=True).url
    assert url.startswith("http://127.0.0.3:")
    with pytest.raises(grpc.RpcError) as error:
        client.exec_sync(container_id=container, cmd=["echo", "x" * 100_000])
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.RpcError, match="container_level_enabled"):
        client.checkpoint_container(container_id=container, location="/x")
    assert not clean.exists()
    server.stop()
    assert clean.exists()
    boot.unlink()  # as a reboot does; and the pod is of the boot before
    with sqlite3.connect(server.root / "state.db") as state:
        state.execute("UPDATE pods SET config = replace(config, ?, ?)", (boot_id(), "before"))
    kubelet.again()
    assert not kubelet.client.list_containers().containers
    assert kubelet.client.list_images().images
    server.stop()
    release.write_text("0.0.1")
    kubelet.again()
    assert not kubelet.client.list_images().images


def connected(address: str, port: int) -> int:
    with socket.socket() as made:
        made.settimeout(10)
        return made.connect_ex((address, port))


@pytest.mark.e2e
def test_registries_whose_tls_is_not_checked(
    server: Any, image_layout: Path, tmp_path: Path
) -> None:
    needs("docker-registry", "skopeo")
    authority = Authority(tmp_path / "authority")
    with Registry(tmp_path / "registry", tls=authority.issue("localhost")) as registry:
        push(image_layout, "busybox", f"{registry.host}/busybox:1")
        client = server.start()
        image = cri.ImageSpec(image=f"{registry.host}/busybox:1")
        with pytest.raises(grpc.RpcError, match="certificate"):
            client.pull_image(image=image)
        for words in (registry.host, "127.0.0.0/8"):
            mark = server.log.stat().st_size
            server.crio.write_text(f'[crio.image]\ninsecure_registries = ["{words}"]\n')
            server.logged("configuration read again", after=mark)
            client.pull_image(image=image)
            client.remove_image(image=image)
