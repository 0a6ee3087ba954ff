"""Mounts and devices: each field of theirs is in what the runtime is given, and in the status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri

pytestmark = pytest.mark.e2e


def spec(kubelet: Any, container: str) -> dict[str, Any]:
    info = kubelet.client.container_status(container_id=container, verbose=True).info["info"]
    found: dict[str, Any] = json.loads(info)["runtimeSpec"]
    return found


def refused(kubelet: Any, pod: str, **fields: Any) -> str:
    """Why it cannot be made, or started."""
    with pytest.raises(grpc.RpcError) as caught:
        made = kubelet.create(pod, kubelet.config("true", name="refused", **fields))
        try:
            kubelet.client.start_container(container_id=made)
        finally:
            kubelet.client.remove_container(container_id=made)
    return str(caught.value.details())


def test_options_of_mounts(kubelet: Any, tmp_path: Path) -> None:
    asked = {
        "/private": {"readonly": True},
        "/slave": {"propagation": cri.PROPAGATION_HOST_TO_CONTAINER},
        "/shared": {"propagation": cri.PROPAGATION_BIDIRECTIONAL},
        "/deep": {"readonly": True, "recursive_read_only": True},
        "/plain": {"mount_options": ["noexec", "nosuid"]},
    }
    mounts = [
        cri.Mount(container_path=path, host_path=str(tmp_path), **fields)
        for path, fields in asked.items()
    ]
    config = kubelet.pod_config(network=cri.POD)
    pod = kubelet.client.run_pod_sandbox(config=config, runtime_handler="runc").pod_sandbox_id
    container = kubelet.run(pod, "sleep", "60", mounts=mounts)
    given = {one["destination"]: one["options"] for one in spec(kubelet, container)["mounts"]}
    assert {"rbind", "ro", "rprivate"} <= set(given["/private"])
    assert {"rw", "rslave"} <= set(given["/slave"])
    assert {"rw", "rshared"} <= set(given["/shared"])
    assert {"rro", "rprivate"} <= set(given["/deep"])
    assert {"noexec", "nosuid", "rw", "rprivate"} <= set(given["/plain"])
    lines = [
        line.split() for line in kubelet.exec(container, "cat", "/proc/mounts")[1].splitlines()
    ]
    flags = {words[1]: words[3].split(",") for words in lines}
    assert {"noexec", "nosuid"} <= set(flags["/plain"])
    assert "ro" in flags["/deep"] and "rw" in flags["/slave"]
    assert list(kubelet.status(container).mounts) == mounts
    wrong = cri.Mount(container_path="/x", host_path="/tmp", mount_options=["fly"])
    assert "fly" in refused(kubelet, pod, mounts=[wrong])
    for reason in (
        {"propagation": cri.PROPAGATION_HOST_TO_CONTAINER, "readonly": True},
        {"readonly": False},
    ):
        wrong = cri.Mount(container_path="/x", host_path="/tmp", recursive_read_only=True, **reason)
        assert "/x: recursive_read_only" in refused(kubelet, pod, mounts=[wrong])


def test_a_handler_that_leaves_mounts_below_writable_is_refused(kubelet: Any) -> None:
    features = {one.name: one.features for one in kubelet.client.status().runtime_handlers}
    assert features["runc"].recursive_read_only_mounts
    if "runsc" not in features:
        pytest.skip("runsc does not work here")
    assert not features["runsc"].recursive_read_only_mounts
    config = kubelet.pod_config("gvisor")
    pod = kubelet.client.run_pod_sandbox(config=config, runtime_handler="runsc").pod_sandbox_id
    deep = cri.Mount(container_path="/x", host_path="/tmp", readonly=True, recursive_read_only=True)
    assert "runsc has no recursive_read_only" in refused(kubelet, pod, mounts=[deep])


def test_devices_with_their_permissions(kubelet: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    devices = [
        cri.Device(host_path=str(tmp_path / "link"), container_path="/dev/mine", permissions="r"),
        cri.Device(host_path="/dev/full", container_path="/dev/other", permissions="rwm"),
    ]
    pod = kubelet.pod()
    container = kubelet.run(pod, "sleep", "60", devices=devices)
    rules = spec(kubelet, container)["linux"]["resources"]["devices"]
    assert [(one["minor"], one["access"]) for one in rules if "minor" in one] == [
        (5, "r"), (7, "rwm")
    ]  # fmt: skip
    assert kubelet.exec(container, "head", "-c", "1", "/dev/mine")[0] == 0
    for device in (
        cri.Device(host_path="/dev/none", container_path="/dev/x", permissions="r"),
        cri.Device(host_path="/dev/null", container_path="/dev/x", permissions="fly"),
    ):
        assert "/dev/n" in refused(kubelet, pod, devices=[device])
    config = kubelet.pod_config("free")
    config.linux.security_context.privileged = True
    privileged = cri.LinuxContainerSecurityContext(
        privileged=True, masked_paths=["/etc/passwd"], readonly_paths=["/etc"]
    )
    script = "stat -c %t:%T /dev/mine; test -e /dev/kmsg && head -c 4 /etc/passwd; touch /etc/x"
    shown = kubelet.output(
        kubelet.pod(config), "sh", "-c", script, security=privileged, devices=devices
    )
    assert shown.split() == ["1:5", "root"], "the node's devices, its own, and nothing hidden"
