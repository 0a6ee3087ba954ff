"""Pod sandboxes over a real socket: namespaces, addresses, lists, and servers that are killed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.core.containers.stored import Network, network_text
from rundlet.core.contracts.network import Address, Attachment, AttachResult, InterfaceResult
from rundlet.cri.pods import record, values
from rundlet.cri.proto import api_pb2 as cri


def config(name: str = "web", attempt: int = 0, **fields: Any) -> cri.PodSandboxConfig:
    meta = cri.PodSandboxMetadata(
        name=name, uid=f"uid-{name}", namespace="default", attempt=attempt
    )
    fields.setdefault("linux", cri.LinuxPodSandboxConfig(cgroup_parent="/rundlet-cri-tests"))
    return cri.PodSandboxConfig(metadata=meta, hostname=name, **fields)


def linux(options: cri.NamespaceOption, **fields: Any) -> cri.LinuxPodSandboxConfig:
    security = cri.LinuxSandboxSecurityContext(namespace_options=options)
    return cri.LinuxPodSandboxConfig(security_context=security, **fields)


def inside(pinned: Path, kind: str, *command: str) -> str:
    words = ["nsenter", f"--{kind}={pinned}", *command]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def mounts_below(directory: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if line.split()[4].startswith(str(directory))]


@pytest.mark.e2e
def test_life_of_a_sandbox(server: Any, client: Any) -> None:
    wanted = config(labels={"app": "a"}, annotations={"note": "b"}, attempt=2)
    wanted.hostname = "front"
    wanted.linux.sysctls["kernel.shm_rmid_forced"] = "1"
    wanted.linux.sysctls["net.ipv4.ip_unprivileged_port_start"] = "99"
    wanted.linux.security_context.namespace_options.pid = cri.CONTAINER
    asked = {"config": wanted, "runtime_handler": "runc"}
    began = time.time_ns()
    pod = client.run_pod_sandbox(**asked).pod_sandbox_id
    answer = client.pod_sandbox_status(pod_sandbox_id=pod, verbose=True)
    status = answer.status
    assert status.state == cri.SANDBOX_READY
    assert status.metadata == wanted.metadata
    assert dict(status.labels) == {"app": "a"}
    assert dict(status.annotations) == {"note": "b"}
    assert status.runtime_handler == "runc"
    assert status.linux.namespaces.options == wanted.linux.security_context.namespace_options
    assert began <= status.created_at <= answer.timestamp <= time.time_ns()
    assert not answer.containers_statuses
    (item,) = client.list_pod_sandbox().items
    for field in ("id", "metadata", "state", "created_at", "labels", "annotations"):
        assert getattr(item, field) == getattr(status, field), field
    run = server.runroot
    netns, uts, ipc = run / "netns" / pod, run / "pods" / pod / "uts", run / "pods" / pod / "ipc"
    assert f" {status.network.ip}/" in inside(netns, "net", "ip", "-4", "addr")
    assert inside(netns, "net", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "99"
    assert inside(uts, "uts", "hostname") == "front"
    assert inside(ipc, "ipc", "cat", "/proc/sys/kernel/shm_rmid_forced") == "1"
    assert json.loads(answer.info["info"])["pid"] == 0, "no process holds the pod"
    assert client.run_pod_sandbox(**asked).pod_sandbox_id == pod, "a retry joins"
    client.stop_pod_sandbox(pod_sandbox_id=pod)
    client.stop_pod_sandbox(pod_sandbox_id=pod)
    status = client.pod_sandbox_status(pod_sandbox_id=pod).status
    assert (status.state, status.network.ip) == (cri.SANDBOX_NOTREADY, "")
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    with pytest.raises(grpc.RpcError) as caught:
        client.pod_sandbox_status(pod_sandbox_id=pod)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert not mounts_below(server.runroot)
    assert not list((run / "netns").iterdir())
    assert not list((run / "pods").iterdir())


def test_a_pod_has_all_its_addresses() -> None:
    addresses = (Address("10.9.0.2/16"), Address("fd00::2/64"))
    interface = InterfaceResult("dual", "eth0", addresses=addresses)
    attachment = Attachment("0" * 64, "web", None)
    network = Network("cni", attachment, AttachResult((interface,)))
    pod = record.fresh("0" * 64, config(), "", "runc").replace(
        state="ready", network=network_text(network)
    )
    found = values.status(pod).network
    assert (found.ip, [one.ip for one in found.additional_ips]) == ("10.9.0.2", ["fd00::2"])


@pytest.mark.e2e
def test_lists_and_filters(client: Any) -> None:
    options = cri.NamespaceOption(network=cri.NODE, ipc=cri.NODE, pid=cri.CONTAINER)
    ids = [
        client.run_pod_sandbox(
            config=config(f"p{number}", linux=linux(options), labels={"n": str(number)})
        ).pod_sandbox_id
        for number in range(3)
    ]
    client.stop_pod_sandbox(pod_sandbox_id=ids[2])

    def found(**fields: Any) -> list[str]:
        wanted = cri.PodSandboxFilter(**fields)
        items = [item.id for item in client.list_pod_sandbox(filter=wanted).items]
        parts = client.stream_pod_sandboxes(filter=wanted)
        assert [item.id for part in parts for item in part.pod_sandboxes] == items
        return items

    assert found() == ids
    assert [item.state for item in client.list_pod_sandbox().items] == [
        cri.SANDBOX_READY, cri.SANDBOX_READY, cri.SANDBOX_NOTREADY
    ]  # fmt: skip
    assert found(id=ids[1][:13]) == [ids[1]]
    assert found(label_selector={"n": "0"}) == [ids[0]]
    assert found(label_selector={"n": "0", "m": "1"}) == []
    ready = cri.PodSandboxStateValue(state=cri.SANDBOX_READY)
    assert found(state=ready) == ids[:2]
    stopped = cri.PodSandboxStateValue(state=cri.SANDBOX_NOTREADY)
    assert found(state=stopped, id=ids[2], label_selector={"n": "2"}) == [ids[2]]
    assert found(state=ready, id=ids[2], label_selector={"n": "2"}) == []
    assert found(state=stopped, id=ids[1]) == []
    for pod in ids:
        client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert found() == []


@pytest.mark.e2e
def test_a_shared_pid_namespace_has_an_init(server: Any, client: Any) -> None:
    options = cri.NamespaceOption(network=cri.NODE, pid=cri.POD)
    pod = client.run_pod_sandbox(config=config(linux=linux(options))).pod_sandbox_id
    answer = client.pod_sandbox_status(pod_sandbox_id=pod, verbose=True)
    infra = json.loads(answer.info["info"])["pid"]
    pinned = server.runroot / "pods" / pod / "pid"
    assert os.stat(pinned).st_ino == os.stat(f"/proc/{infra}/ns/pid").st_ino
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert not Path(f"/proc/{infra}").exists()


NODE = cri.NamespaceOption(network=cri.NODE)
REFUSED = [
    (cri.PodSandboxConfig(), "metadata"),
    (config(linux=cri.LinuxPodSandboxConfig(sysctls={"vm.swappiness": "1"})), "vm.swappiness"),
    (
        config(
            linux=linux(cri.NamespaceOption(network=cri.NODE), sysctls={"net.core.somaxconn": "1"})
        ),
        "node's network",
    ),
    (config(linux=cri.LinuxPodSandboxConfig(sysctls={"kernel.sem": "x"})), "kernel.sem"),
    (config(port_mappings=[cri.PortMapping(container_port=80, host_port=99999)]), "99999"),
]


@pytest.mark.e2e
def test_what_is_refused_leaves_nothing(server: Any, client: Any) -> None:
    for wanted, words in REFUSED:
        with pytest.raises(grpc.RpcError) as caught:
            client.run_pod_sandbox(config=wanted)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert words in caught.value.details()
    for part in ("name", "namespace", "uid"):
        unknown = config()
        unknown.metadata.ClearField(part)
        with pytest.raises(grpc.RpcError, match=r"metadata: name, namespace and uid"):
            client.run_pod_sandbox(config=unknown)
    with pytest.raises(grpc.RpcError, match="Windows"):
        client.run_pod_sandbox(config=config(windows=cri.WindowsPodSandboxConfig()))
    with pytest.raises(grpc.RpcError) as caught:
        client.run_pod_sandbox(config=config(), runtime_handler="nope")
    assert "nope" in caught.value.details()
    mapped = cri.NamespaceOption(userns_options=cri.UserNamespace(mode=cri.POD))
    with pytest.raises(grpc.RpcError) as caught:
        client.run_pod_sandbox(config=config(linux=linux(mapped)))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert not client.list_pod_sandbox().items
    assert not mounts_below(server.runroot)


@pytest.mark.e2e
def test_pods_outlive_a_killed_server(server: Any, client: Any) -> None:
    pod = client.run_pod_sandbox(config=config()).pod_sandbox_id
    before = client.pod_sandbox_status(pod_sandbox_id=pod).status
    server.kill()
    client = server.start()
    assert client.pod_sandbox_status(pod_sandbox_id=pod).status == before
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert not mounts_below(server.runroot)


def inits(runroot: Path) -> list[str]:
    """Processes that hold a pid namespace of a pod of this server."""
    mark, found = f"RUNDLET_POD={runroot}/".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "environ").read_bytes().startswith(mark):
                found.append(process.name)
    return found


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_a_server_killed_at_any_time_leaves_no_half_pod(
    server: Any, client: Any, shared: bool
) -> None:
    """At each delay the next server shows whole pods only, and the same request makes one.

    shared: also where a process holds a pid namespace, in a user namespace of the pod.
    """
    ids = [cri.IDMapping(container_id=0, host_id=300_000, length=65_536)]
    users = cri.UserNamespace(mode=cri.POD, uids=ids, gids=ids)
    options = linux(cri.NamespaceOption(pid=cri.POD, userns_options=users))
    for attempt, delay in enumerate((0.005, 0.02, 0.05, 0.1)):
        wanted = config("k", attempt, **({"linux": options} if shared else {}))
        with contextlib.suppress(grpc.RpcError):  # a fast one is done by then
            client.run_pod_sandbox(config=wanted, deadline=delay)
        server.kill()
        client = server.start()
        for item in client.list_pod_sandbox().items:
            assert item.state == cri.SANDBOX_READY
        pod = client.run_pod_sandbox(config=wanted).pod_sandbox_id
        assert len(inits(server.runroot)) == int(shared)
        client.remove_pod_sandbox(pod_sandbox_id=pod)
        assert not client.list_pod_sandbox().items
        assert not mounts_below(server.runroot)
        assert not list((server.runroot / "netns").iterdir())
        deadline = time.monotonic() + 30
        while inits(server.runroot):  # one that is killed may take its time to go
            assert time.monotonic() < deadline
            time.sleep(0.05)
