"""What a ContainerConfig asks for is what the process sees: users, limits, namespaces, mounts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri


def context(**fields: Any) -> cri.LinuxContainerSecurityContext:
    return cri.LinuxContainerSecurityContext(**fields)


def number(value: int) -> cri.Int64Value:
    return cri.Int64Value(value=value)


def options(**fields: Any) -> cri.LinuxContainerSecurityContext:
    return context(namespace_options=cri.NamespaceOption(**fields))


@pytest.mark.e2e
def test_users_and_groups(kubelet: Any) -> None:
    pod = kubelet.pod()
    asked = context(run_as_user=number(1000), run_as_group=number(2000), supplemental_groups=[3000])
    assert kubelet.output(pod, "sh", "-c", "id -u; id -g; id -G", security=asked).split() == [
        "1000", "2000", "2000", "3000",
    ]  # fmt: skip
    container = kubelet.run(pod, "sleep", "60", security=asked)
    user = kubelet.status(container).user.linux
    assert (user.uid, user.gid, list(user.supplemental_groups)) == (1000, 2000, [2000, 3000])
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.create(
            pod, kubelet.config("id", name="b", security=context(run_as_group=number(1)))
        )
    assert "run_as_user" in caught.value.details()


@pytest.mark.e2e
def test_capabilities_privileges_and_seccomp(kubelet: Any) -> None:
    pod = kubelet.pod()
    capabilities = cri.Capability(drop_capabilities=["ALL"], add_capabilities=["NET_ADMIN"])
    asked = context(capabilities=capabilities, no_new_privs=True)
    asked.seccomp.profile_type = cri.SecurityProfile.RuntimeDefault
    shown = kubelet.output(pod, "cat", "/proc/self/status", security=asked)
    fields = dict(line.split(":\t", 1) for line in shown.splitlines() if ":\t" in line)
    assert fields["CapEff"] == f"{1 << 12:016x}"
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    mine = {"run_as_user": cri.Int64Value(value=1000)}
    for ambient, effective in ((["NET_ADMIN"], 1 << 12), ([], 0)):
        capabilities.add_ambient_capabilities[:] = ambient
        asked = context(capabilities=capabilities, **mine)
        shown = kubelet.output(pod, "cat", "/proc/self/status", security=asked)
        fields = dict(line.split(":\t", 1) for line in shown.splitlines() if ":\t" in line)
        assert (fields["CapBnd"], fields["CapEff"]) == (f"{1 << 12:016x}", f"{effective:016x}")
    with pytest.raises(grpc.RpcError, match="privileged containers are not allowed in this pod"):
        kubelet.create(pod, kubelet.config("id", security=context(privileged=True)))
    config = kubelet.pod_config("free")
    config.linux.security_context.privileged = True
    free = kubelet.pod(config)
    shown = kubelet.output(free, "cat", "/proc/self/status", security=context(privileged=True))
    assert "Seccomp:\t0" in shown
    missing = cri.SecurityProfile(
        profile_type=cri.SecurityProfile.Localhost, localhost_ref="/no/such/profile.json"
    )
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.create(pod, kubelet.config("id", security=context(seccomp=missing)))
    assert "/no/such/profile.json" in caught.value.details()


@pytest.mark.e2e
def test_read_only_root_and_paths(kubelet: Any) -> None:
    pod = kubelet.pod()
    script = "wc -c </etc/passwd; touch /x /dev/shm/x 2>&-; ls /x /dev/shm/x 2>&-;"
    script += "head -c 1 /proc/interrupts | wc -c;"  # which podman masks
    script += "echo '# x' 2>&- >>/etc/resolv.conf && echo written"
    size, *rest = kubelet.output(pod, "sh", "-c", script).split()
    seen = ["/dev/shm/x", "/x", "1", "written"]
    assert (int(size) > 0, rest) == (True, seen), "an empty list hides nothing"
    kubelet.output(pod, "rm", "/dev/shm/x")
    asked = context(readonly_rootfs=True, masked_paths=["/etc/passwd"], readonly_paths=["/dev/shm"])
    script += " || true"
    assert kubelet.output(pod, "sh", "-c", script, security=asked).split() == ["0", "1"]


@pytest.mark.e2e
def test_namespaces(kubelet: Any) -> None:
    shared = kubelet.pod(kubelet.pod_config("shared", pid=cri.POD))
    first = kubelet.run(shared, "sleep", "61", name="first", security=options(pid=cri.POD))
    code, shown, _ = kubelet.exec(first, "ps")
    assert "catatonit" in shown
    second = kubelet.run(shared, "sleep", "62", name="second", security=options(pid=cri.POD))
    assert "sleep 61" in kubelet.exec(second, "ps")[1]
    alone = kubelet.run(shared, "sleep", "63", name="alone", security=options(pid=cri.CONTAINER))
    assert "sleep 61" not in kubelet.exec(alone, "ps")[1]
    target = options(pid=cri.TARGET, target_id=alone)
    debug = kubelet.run(shared, "sleep", "64", name="debug", security=target)
    assert "sleep 63" in kubelet.exec(debug, "ps")[1]
    assert code == 0
    node = kubelet.pod(kubelet.pod_config("node", pid=cri.NODE, ipc=cri.NODE))
    status = kubelet.client.pod_sandbox_status(pod_sandbox_id=node).status
    every = cri.NamespaceOption(network=cri.NODE, pid=cri.NODE, ipc=cri.NODE)
    assert status.linux.namespaces.options == every
    with pytest.raises(grpc.RpcError, match=f"target_id {alone} is no container of pod {node}"):
        kubelet.create(node, kubelet.config("true", security=target))
    kinds = ("ipc", "net", "pid", "uts")
    script = f"cd /proc/self/ns; for n in {' '.join(kinds)}; do readlink $n; done"
    seen = kubelet.output(node, "sh", "-c", script, security=options(pid=cri.NODE))
    assert seen.split() == [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    own = kubelet.pod_config("own", network=cri.POD)
    own.dns_config.servers.append("192.0.2.53")
    own.dns_config.searches.append("svc.example")
    own.dns_config.options.append("ndots:5")
    pod = kubelet.pod(own)
    address = kubelet.client.pod_sandbox_status(pod_sandbox_id=pod).status.network.ip
    script = "hostname; cat /etc/resolv.conf; ip -4 addr show dev eth0; cat /etc/hosts"
    shown = kubelet.output(pod, "sh", "-c", script)
    assert shown.startswith("own\n")
    assert "nameserver 192.0.2.53" in shown
    assert "search svc.example" in shown
    assert "options ndots:5" in shown
    assert f"inet {address}/" in shown
    assert f"{address}\town" in shown


@pytest.mark.e2e
def test_mounts_and_shared_memory(kubelet: Any, tmp_path: Path) -> None:
    pod = kubelet.pod()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("here\n")
    mounts = [
        cri.Mount(container_path="/data", host_path=str(tmp_path / "data"), readonly=True),
        cri.Mount(container_path="/new", host_path=str(tmp_path / "made/for/it")),
    ]
    script = (
        "cat /data/file; touch /data/x 2>/dev/null || echo ro; echo a >/new/b; echo s >/dev/shm/s"
    )
    assert kubelet.output(pod, "sh", "-c", script, mounts=mounts).split() == ["here", "ro"]
    assert (tmp_path / "made/for/it/b").read_text() == "a\n"
    assert kubelet.output(pod, "cat", "/dev/shm/s") == "s"
    for wrong in (
        cri.Mount(container_path="/data"),
        cri.Mount(container_path="/data", host_path="/tmp", recursive_read_only=True),
        cri.Mount(
            container_path="/data",
            image=cri.ImageSpec(image=kubelet.image),
            image_sub_path="../../..",
        ),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            kubelet.create(pod, kubelet.config("true", mounts=[wrong]))
        assert "/data" in caught.value.details()


@pytest.mark.e2e
def test_command_arguments_environment_and_directory(kubelet: Any) -> None:
    pod = kubelet.pod()
    shown = kubelet.output(
        pod, "sh", "-c", 'echo "$0 $1 $A"; pwd',
        args=["one", "two"], envs=[cri.KeyValue(key="A", value=b"b c")], working_dir="/tmp",
    )  # fmt: skip
    assert shown == "one two b c\n/tmp"
    secret = [cri.KeyValue(key="A", value=b"a\xffb")]  # data of a Secret that is no text
    assert kubelet.output(pod, "sh", "-c", "echo $A", envs=secret) == "a\ufffdb"
    quiet = kubelet.config("echo", "lost")
    quiet.metadata.attempt = 1
    quiet.log_path = ""
    container = kubelet.create(pod, quiet)
    kubelet.client.start_container(container_id=container)
    status = kubelet.ended(container)
    assert (status.metadata.attempt, status.log_path, status.exit_code) == (1, "", 0)
    quiet.metadata.attempt = 2
    assert kubelet.create(pod, quiet) != container, "another attempt, beside the one before"


@pytest.mark.e2e
def test_limits_are_set_changed_and_shown(kubelet: Any) -> None:
    pod = kubelet.pod()
    limits = cri.LinuxContainerResources(memory_limit_in_bytes=64 << 20, cpu_shares=512)
    container = kubelet.run(pod, "sleep", "60", resources=limits)
    shown = kubelet.status(container).resources.linux
    assert (shown.memory_limit_in_bytes, shown.cpu_shares) == (64 << 20, 512)
    changed = cri.LinuxContainerResources(memory_limit_in_bytes=128 << 20)
    kubelet.client.update_container_resources(container_id=container, linux=changed)
    shown = kubelet.status(container).resources.linux
    assert (shown.memory_limit_in_bytes, shown.cpu_shares) == (128 << 20, 512)


REFUSED = [
    (context(apparmor_profile="localhost/x"), "AppArmor"),
    (context(selinux_options=cri.SELinuxOption(level="s0")), "SELinux"),
    (context(capabilities=cri.Capability(add_capabilities=["FLY"])), "FLY"),
]


@pytest.mark.e2e
def test_what_this_node_cannot_do_is_refused(kubelet: Any) -> None:
    pod = kubelet.pod()
    for asked, words in REFUSED:
        with pytest.raises(grpc.RpcError) as caught:
            kubelet.create(pod, kubelet.config("true", name=words.lower(), security=asked))
        assert words in caught.value.details()
    fields: list[tuple[dict[str, Any], str]] = [
        ({"CDI_devices": [cri.CDIDevice(name="a/b=c")]}, "a/b=c"),
        ({"devices": [cri.Device(host_path="/dev/none", container_path="/dev/x")]}, "/dev/none"),
        ({"mounts": [mounted("/x", "bogus")]}, "bogus"),
        ({"mounts": [mounted("x")]}, "not an absolute path"),
    ]
    for wrong, words in fields:
        with pytest.raises(grpc.RpcError, match=words) as caught:
            kubelet.create(pod, kubelet.config("true", **wrong))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert not kubelet.client.list_containers().containers


def mounted(where: str, *options: str) -> cri.Mount:
    return cri.Mount(container_path=where, host_path="/tmp", mount_options=options)


@pytest.mark.e2e
def test_devices_by_path_and_by_cdi_name(kubelet: Any, tmp_path: Path) -> None:
    document = {
        "cdiVersion": "0.5.0",
        "kind": "example.com/device",
        "devices": [
            {"name": name, "containerEdits": {"env": [f"FROM_{name.upper()}=yes"]}}
            for name in ("one", "two", "three")
        ],
    }
    (tmp_path / "cdi").mkdir()
    (tmp_path / "cdi/a.json").write_text(json.dumps(document))
    kubelet.server.stop()
    kubelet.server.configuration.write_text(f'cdi_spec_dirs = ["{tmp_path}/cdi"]\n')
    kubelet.again()
    script = "echo $FROM_ONE $FROM_TWO $FROM_THREE; echo x > /dev/mine && stat -c %t:%T /dev/mine"
    printed = kubelet.output(
        kubelet.pod(), "sh", "-c", script,
        CDI_devices=[cri.CDIDevice(name="example.com/device=one")],
        annotations={"cdi.k8s.io/plugin": "example.com/device=two,example.com/device=one"},
        devices=[cri.Device(host_path="/dev/null", container_path="/dev/mine", permissions="rwm")],
    )  # fmt: skip
    assert printed == "yes yes\n1:3"
    for wrong in ("example.com/device", "example.com/device=none"):
        annotated = kubelet.config("true", annotations={"cdi.k8s.io/plugin": wrong})
        with pytest.raises(grpc.RpcError, match=wrong) as caught:
            kubelet.create(kubelet.pod(), annotated)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.e2e
def test_image_volumes(kubelet: Any) -> None:
    pod = kubelet.pod()
    image = cri.ImageSpec(image=kubelet.image)
    mounts = [
        cri.Mount(container_path="/all", image=image),
        cri.Mount(container_path="/part", image=image, image_sub_path="etc"),
    ]
    script = "test -x /all/bin/sh && head -c 4 /part/passwd; touch /all/x || echo ro"
    container = kubelet.run(pod, "sh", "-c", script, mounts=mounts)
    status = kubelet.ended(container)
    (digest,) = kubelet.client.image_status(image=image).image.repo_digests
    whole, part = status.mounts
    assert (whole.image.image, part.image_sub_path) == (kubelet.image, "etc")
    assert whole.image.image_ref == part.image.image_ref == digest
    log = Path(status.log_path).read_text()
    assert "root" in log
    assert "F ro" in log
    images = kubelet.server.runroot / "images"
    assert [entry for entry in images.iterdir() if any(entry.iterdir())]
    kubelet.client.remove_pod_sandbox(pod_sandbox_id=pod)
    assert not [entry for entry in images.iterdir() if any(entry.iterdir())]
    missing = [cri.Mount(container_path="/all", image=cri.ImageSpec(image="localhost/no:1"))]
    with pytest.raises(grpc.RpcError) as caught:
        kubelet.create(kubelet.pod(), kubelet.config("true", mounts=missing))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.e2e
def test_resources_of_a_pod_are_kept(kubelet: Any) -> None:
    config = kubelet.pod_config()
    config.linux.resources.cpu_shares = 200
    config.linux.overhead.cpu_shares = 20
    pod = kubelet.pod(config)

    def linux() -> Any:
        answer = kubelet.client.pod_sandbox_status(pod_sandbox_id=pod, verbose=True)
        return json.loads(answer.info["info"])["config"]["linux"]

    assert linux()["resources"] == {"cpu_shares": "200"}
    assert linux()["overhead"] == {"cpu_shares": "20"}
    limits = cri.LinuxContainerResources(cpu_shares=300)
    overhead = cri.LinuxContainerResources(memory_limit_in_bytes=1 << 20)
    kubelet.client.update_pod_sandbox_resources(
        pod_sandbox_id=pod, resources=limits, overhead=overhead
    )
    container = kubelet.run(pod, "sleep", "60")
    answer = kubelet.client.pod_sandbox_status(pod_sandbox_id=pod)
    assert linux()["resources"] == {"cpu_shares": "300"}
    assert linux()["overhead"] == {"memory_limit_in_bytes": str(1 << 20)}
    assert list(answer.containers_statuses) == [kubelet.status(container)]
