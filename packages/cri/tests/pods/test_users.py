"""Pods with a user namespace, driven over the socket."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri

from ..conftest import Server

FIRST, COUNT = 200_000, 65_536
MINE = [cri.IDMapping(container_id=0, host_id=FIRST, length=COUNT)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Below a directory that root of such a pod, who is nobody here, can go through."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        made = Server(Path(directory))
        yield made
        made.close()


def users(mode: cri.NamespaceMode = cri.POD, **fields: Any) -> cri.UserNamespace:
    return cri.UserNamespace(mode=mode, **({"uids": MINE, "gids": MINE} | fields))


def pod(kubelet: Any, name: str, handler: str = "", **options: Any) -> str:
    config = kubelet.pod_config(name, **{"network": cri.POD, "userns_options": users(), **options})
    config.linux.sysctls["net.ipv4.ip_unprivileged_port_start"] = "80"
    if options.get("network") == cri.NODE:
        config.linux.sysctls.clear()
    return str(
        kubelet.client.run_pod_sandbox(config=config, runtime_handler=handler).pod_sandbox_id
    )


@pytest.mark.e2e
@pytest.mark.parametrize("handler", ["runc", "crun"])
def test_a_pod_owns_its_namespaces(kubelet: Any, tmp_path: Path, handler: str) -> None:
    """Root inside is nobody outside, mounts its own proc and sysfs, and shares with its pod."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/secret").write_text("of root\n")
    (tmp_path / "data/secret").chmod(0o600)
    volume = cri.Mount(
        container_path="/data", host_path=str(tmp_path / "data"), uidMappings=MINE, gidMappings=MINE
    )
    made = pod(kubelet, "mapped", handler, pid=cri.POD)
    client = kubelet.client
    found = client.pod_sandbox_status(pod_sandbox_id=made).status.linux.namespaces.options
    assert found.userns_options == users()
    security = cri.LinuxContainerSecurityContext(
        namespace_options=cri.NamespaceOption(pid=cri.POD, userns_options=users())
    )
    part = cri.ImageSpec(image=kubelet.image)
    images = [
        cri.Mount(container_path="/all", image=part),
        cri.Mount(container_path="/part", image=part, image_sub_path="etc"),
    ]
    container = kubelet.run(made, "sleep", "60", security=security, mounts=[volume, *images])
    code, out, err = kubelet.exec(
        container, "sh", "-c",
        "stat -c %u /all /all/bin/busybox /part/passwd; head -c 4 /part/passwd; echo;"
        " touch /all/x 2>/dev/null || echo ro",
    )  # fmt: skip
    assert out.split() == ["0", "0", "0", "root", "ro"], err
    code, out, err = kubelet.exec(
        container, "sh", "-c",
        "cat /proc/self/uid_map; id -u; cat /data/secret; echo new >/data/new; echo x >/made;"
        " echo y >/dev/shm/shared; cat /proc/1/comm; hostname; ls /sys/class/net;"
        " cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
    )  # fmt: skip
    assert code == 0, err
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines == [
        f"0 {FIRST} {COUNT}", "0", "of root", "catatonit", "mapped", "eth0", "lo", "80"
    ]  # fmt: skip
    assert (tmp_path / "data/new").stat().st_uid == 0  # idmapped: as the volume counts
    pid = _process(client, container)
    assert f"Uid:\t{FIRST}\t" in Path(f"/proc/{pid}/status").read_text()
    other = kubelet.run(made, "cat", "/dev/shm/shared", name="other", security=security)
    assert kubelet.ended(other).exit_code == 0
    kubelet.server.kill()
    kubelet.again()
    assert kubelet.exec(container, "id", "-u")[1] == "0\n"
    init = int(_info(kubelet.client, made)["pid"])
    kubelet.client.remove_pod_sandbox(pod_sandbox_id=made)
    assert not os.path.exists(f"/proc/{init}/ns/pid") or _is_zombie(init)
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(kubelet.server.runroot) not in mounts


@pytest.mark.e2e
def test_the_nodes_network_and_owners_that_cannot_be(kubelet: Any) -> None:
    made = pod(kubelet, "host", "runc", network=cri.NODE)
    assert kubelet.output(made, "hostname") == os.uname().nodename
    where = cri.Mount(
        container_path="/p", host_path="/proc/self", uidMappings=MINE, gidMappings=MINE
    )
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.create(made, kubelet.config("true", mounts=[where]))
    assert "/p" in caught.value.details()
    assert (
        str(kubelet.server.runroot / "pods" / made / "mounts")
        not in Path("/proc/self/mountinfo").read_text()
    )


@pytest.mark.e2e
def test_what_is_refused_leaves_nothing(kubelet: Any) -> None:
    handlers = {one.name: one.features for one in kubelet.client.status().runtime_handlers}
    assert handlers["runc"].user_namespaces
    for wrong in (
        users(uids=[*MINE, cri.IDMapping(container_id=COUNT, host_id=1, length=1)]),
        users(gids=[]),
        users(uids=[cri.IDMapping(container_id=1, host_id=FIRST, length=COUNT)]),
        users(cri.CONTAINER),
        users(cri.TARGET),
        users(cri.NODE),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            pod(kubelet, "wrong", userns_options=wrong)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "userns_options" in caught.value.details()
    if "runsc" in handlers:  # where gVisor works
        assert not handlers["runsc"].user_namespaces
        with pytest.raises(grpc.RpcError) as caught:
            pod(kubelet, "gvisor", "runsc")
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert "runsc" in caught.value.details()
    assert not kubelet.client.list_pod_sandbox().items


def _info(client: Any, made: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        client.pod_sandbox_status(pod_sandbox_id=made, verbose=True).info["info"]
    )
    return found


def _process(client: Any, container: str) -> int:
    answer = client.container_status(container_id=container, verbose=True)
    return int(json.loads(answer.info["info"])["pid"])


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
