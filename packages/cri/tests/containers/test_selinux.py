"""SELinux fields, with a kernel that says it has it: labels are a container's own, or its pod's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rundlet.core import Engine
from rundlet.core.errors import NotSupported
from rundlet.core.linux import selinux
from rundlet.core.spec.host import Host
from rundlet.cri.config.model import defaults
from rundlet.cri.containers import mounts, security
from rundlet.cri.pods import options, policy, record
from rundlet.cri.proto import api_pb2 as cri

POD = cri.SELinuxOption(level="s0:c1,c2")


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is relabelled, path by path; the node has SELinux."""
    found: dict[str, str] = {}
    for module in (security, policy):
        monkeypatch.setattr(module, "here", lambda: Host(selinux=True))
    monkeypatch.setattr(selinux, "relabel", found.__setitem__)
    return found


def pod(**fields: Any) -> record.Pod:
    config = cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name="web", uid="u", namespace="default")
    )
    config.linux.security_context.CopyFrom(cri.LinuxSandboxSecurityContext(**fields))
    options.check(config)
    return record.fresh("0" * 64, config, "", "runc")


def container(directory: Path, **fields: Any) -> cri.ContainerConfig:
    config = cri.ContainerConfig(metadata=cri.ContainerMetadata(name="main"))
    config.linux.security_context.CopyFrom(cri.LinuxContainerSecurityContext(**fields))
    for name, relabel in (("mine", True), ("other", False)):
        config.mounts.add(
            host_path=str(directory / name), container_path=f"/{name}", selinux_relabel=relabel
        )
    return config


def test_volumes_have_the_label_of_the_containers_files(
    labelled: dict[str, str], tmp_path: Path
) -> None:
    own = cri.SELinuxOption(type="mine_t", level="s0:c3")
    with Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine:
        for made, asked, level in (
            (pod(selinux_options=POD), {}, "s0:c1,c2"),
            (pod(selinux_options=POD), {"selinux_options": own}, "s0:c3"),
            (pod(), {}, ""),
            (pod(selinux_options=POD, privileged=True), {"privileged": True}, ""),
        ):
            labelled.clear()
            mounts.mounts(engine, made, container(tmp_path, **asked))
            label = f"system_u:object_r:container_file_t:{level}"
            assert labelled == ({str(tmp_path / "mine"): label} if level else {})
    said = security.fields(
        cri.LinuxContainerSecurityContext(selinux_options=own), cri.LinuxSandboxSecurityContext()
    )["security_options"]
    assert said[-2:] == ("label=type:mine_t", "label=level:s0:c3")


def test_pods_that_ask_for_nothing_have_a_level_of_their_own_where_the_node_says_so(
    labelled: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node = defaults()
    monkeypatch.setattr(policy, "config_of", lambda engine: node)
    namespaces = {
        "own": cri.NamespaceOption(),
        "host": cri.NamespaceOption(network=cri.NODE),
        "ipc": cri.NamespaceOption(ipc=cri.NODE),
        "pid": cri.NamespaceOption(pid=cri.NODE),
    }

    def levels() -> dict[str, str]:
        made = {name: pod(namespace_options=one).sandbox for name, one in namespaces.items()}
        return {name: policy.level(engine, config) for name, config in made.items()}

    with Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine:
        assert set(levels().values()) == {""}
        node = node.with_values({"crio.runtime.selinux": True}, {})
        found = levels()
        assert re.fullmatch(r"s0:c\d+,c\d+", found.pop("own"))
        assert set(found.values()) == {""}
        node = node.with_values({"crio.runtime.hostnetwork_disable_selinux": False}, {})
        assert levels()["host"]
        assert policy.level(engine, pod(selinux_options=POD).sandbox) == "", "it says its own"
        given = pod().replace(level="s0:c7,c8")
        mounts.mounts(engine, given, container(tmp_path))
        assert labelled == {str(tmp_path / "mine"): "system_u:object_r:container_file_t:s0:c7,c8"}


def test_a_pod_is_refused_where_there_is_no_selinux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "here", Host)
    with pytest.raises(NotSupported, match="no SELinux"):
        pod(selinux_options=POD)
