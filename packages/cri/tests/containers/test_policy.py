"""What crio.conf does to pods and containers, in real ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.pods.policy import processors
from rundlet.cri.proto import api_pb2 as cri

CONF = """
[crio]
log_dir = "{directory}/node-logs"
[crio.runtime]
default_runtime = "mine"
default_ulimits = ["core=51200:102400"]  # not nofile: Go programs like runc raise the soft one
default_env = ["FROM_NODE=yes", "FROM_POD=no"]
default_sysctls = ["net.ipv4.ip_unprivileged_port_start = 400", "kernel.shm_rmid_forced=1"]
default_capabilities = ["CHOWN"]
additional_devices = ["/dev/null:/dev/mine:r"]
allowed_devices = ["/dev/zero"]
default_mounts_file = "{directory}/mounts.conf"
absent_mount_sources_to_reject = ["{directory}/must-be"]
timezone = "Asia/Tokyo"
hooks_dir = ["{directory}/none", "{directory}/hooks"]
read_only = true
device_ownership_from_security_context = true
pids_limit = 77
min_injected_gomaxprocs = 3
infra_ctr_cpuset = "0"
[crio.runtime.runtimes.mine]
runtime_path = "/usr/bin/runc"
container_min_memory = "6MiB"
allowed_annotations = ["io.kubernetes.cri-o.Devices", "io.kubernetes.cri-o.umask"]
monitor_env = ["MINE=1"]
[crio.runtime.workloads.big]
activation_annotation = "io.crio/big"
annotation_prefix = "io.crio.big"
allowed_annotations = ["io.kubernetes.cri-o.ShmSize"]
[crio.runtime.workloads.big.resources]
cpushares = 300
[crio.image]
pinned_images = ["*busybox*"]
"""


@pytest.fixture
def node(server: Any, make_kubelet: Any) -> Any:
    (server.directory / "mounts.conf").write_text(f"# mine\n{server.directory}/secret:/run/mine\n")
    (server.directory / "secret").mkdir()
    (server.directory / "secret/word").write_text("hidden\n")
    (server.directory / "hooks").mkdir()
    command = f"cat > {server.directory}/hooked"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", command]}
    (server.directory / "hooks/10-mine.json").write_text(
        json.dumps(
            {"version": "1.0.0", "hook": hook, "when": {"always": True}, "stages": ["poststart"]}
        )
    )
    server.crio.write_text(CONF.format(directory=server.directory))
    return make_kubelet()


def refused(kubelet: Any, pod: str, words: str, **fields: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        kubelet.create(pod, kubelet.config("true", name="refused", **fields))
    assert words in error.value.details()


@pytest.mark.e2e
def test_a_container_is_as_the_node_says(node: Any) -> None:
    pod = node.pod(node.pod_config(network=cri.POD, pid=cri.POD))
    container = node.run(pod, "sleep", "1000", envs=[cri.KeyValue(key="FROM_POD", value=b"pod")])
    script = (
        "ulimit -c; ulimit -Hc; echo $FROM_NODE $FROM_POD; date +%Z; cat /run/mine/word;"
        "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced;"
        "grep CapEff /proc/self/status; ls /dev/mine; touch /x 2>&1; touch /tmp/x && echo tmp"
    )
    hooked = json.loads((node.server.directory / "hooked").read_text())
    assert hooked["id"] == container, "the OCI hook was given the state"
    code, out, err = node.exec(container, "sh", "-c", script)
    assert out.split("\n") == [
        "100", "200", "yes pod", "JST", "hidden", "400", "1", "CapEff:\t0000000000000001",
        "/dev/mine", "touch: /x: Read-only file system", "tmp", "",
    ], err  # fmt: skip
    assert code == 0
    refused(
        node, pod, "must not be made",
        mounts=[cri.Mount(host_path=f"{node.server.directory}/must-be", container_path="/m")],
    )  # fmt: skip
    limits = cri.LinuxContainerResources(memory_limit_in_bytes=5 << 20)
    refused(node, pod, "too low: at least 6291456 bytes", resources=limits)
    security = cri.LinuxContainerSecurityContext(
        run_as_user=cri.Int64Value(value=1234), run_as_group=cri.Int64Value(value=77)
    )
    user = node.run(pod, "sleep", "1000", name="user", security=security)
    assert node.exec(user, "stat", "-c", "%u %g", "/dev/mine")[1] == "1234 77\n"
    infra = json.loads(
        node.client.pod_sandbox_status(pod_sandbox_id=pod, verbose=True).info["info"]
    )["pid"]
    assert os.sched_getaffinity(infra) == {0}


@pytest.mark.e2e
def test_annotations_that_are_allowed_change_a_container(node: Any) -> None:
    config = node.pod_config(ipc=cri.POD)
    config.annotations["io.crio/big"] = ""
    config.annotations["io.crio.big/special"] = '{"cpushares": "500"}'
    config.annotations["io.kubernetes.cri-o.ShmSize"] = "32Mi"
    config.linux.cgroup_parent = "/kubepods-burstable-test"
    pod = node.pod(config)
    asked = {"io.kubernetes.cri-o.Devices": "/dev/zero:/dev/nil", "io.kubernetes.cri-o.umask": "7"}
    asked["io.kubernetes.cri-o.rdt-class"] = "x"
    special = node.run(
        pod, "sleep", "1000", name="special", annotations=asked,
        resources=cri.LinuxContainerResources(cpu_shares=2048),
    )  # fmt: skip
    script = "ls /dev/nil; touch /dev/shm/x; stat -c %a /dev/shm/x; echo $GOMAXPROCS;df -m /dev/shm"
    lines = node.exec(special, "sh", "-c", script)[1].splitlines()
    assert lines[0] == "/dev/nil"
    assert lines[2] == "4"
    assert lines[-1].split()[1] == "32"
    assert node.status(special).resources.linux.cpu_shares == 500
    plain = node.run(pod, "sleep", "1000", name="plain")
    assert node.status(plain).resources.linux.cpu_shares == 300
    assert node.exec(plain, "sh", "-c", "echo $GOMAXPROCS")[1] == "3\n"
    refused(
        node, pod, "not among the allowed_devices",
        annotations={"io.kubernetes.cri-o.Devices": "/dev/kmsg"},
    )  # fmt: skip


@pytest.mark.e2e
def test_pinned_images_are_those_of_the_pattern(node: Any) -> None:
    """It is said for kubelet's sake: RemoveImage must oblige (api.proto, Image.pinned)."""
    client, server = node.client, node.server
    (image,) = client.list_images().images
    assert image.pinned
    mark = server.log.stat().st_size
    text = server.crio.read_text().replace('"*busybox*"', '"quay.io/*"')
    server.crio.write_text(text + 'pause_image = "registry.k8s.io/pause:3.9"\n')
    server.logged("configuration read again", after=mark)
    assert not client.image_status(image=cri.ImageSpec(image=image.id)).image.pinned
    mark = server.log.stat().st_size
    server.crio.write_text(text.replace('"quay.io/*"', '"*busybox*"'))
    server.logged("configuration read again", after=mark)
    assert client.image_status(image=cri.ImageSpec(image=image.id)).image.pinned
    client.remove_image(image=cri.ImageSpec(image=image.id))
    assert not client.list_images().images


@pytest.mark.e2e
def test_a_pod_without_a_directory_for_logs_has_the_nodes(node: Any) -> None:
    config = node.pod_config()
    config.log_directory = ""
    pod = node.pod(config)
    container = node.run(pod, "echo", "hello")
    log = Path(node.ended(container).log_path)
    assert log == node.server.directory / "node-logs" / pod / "main.log"
    assert "hello" in log.read_text()


@pytest.mark.e2e
def test_what_is_switched_off_is_refused(server: Any, make_kubelet: Any) -> None:
    server.crio.write_text(
        "[crio.runtime]\nenable_criu_support = false\nenable_pod_events = false\n"
        '[crio.stats]\nincluded_pod_metrics = ["cpu"]\n'
    )
    client = make_kubelet().client
    for words, call in (
        ("enable_criu_support", lambda: client.checkpoint_container(container_id="x")),
        ("enable_pod_events", lambda: list(client.get_container_events())),
    ):
        with pytest.raises(grpc.RpcError, match=words) as error:
            call()
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    names = [one.name for one in client.list_metric_descriptors().descriptors]
    assert names and all(name.startswith("container_cpu_") for name in names)


def test_lists_of_processors() -> None:
    assert processors("0-2,7") == {0, 1, 2, 7}
