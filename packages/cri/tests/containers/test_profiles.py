"""Seccomp, AppArmor and SELinux: what each profile means, of kernels that have them or have not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.spec.host import Host
from rundlet.cri.containers import security
from rundlet.cri.proto import api_pb2 as cri

NONE = "seccomp=unconfined"
RUNTIME = cri.SecurityProfile(profile_type=cri.SecurityProfile.RuntimeDefault)
UNCONFINED = cri.SecurityProfile(profile_type=cri.SecurityProfile.Unconfined)


def local(reference: str) -> cri.SecurityProfile:
    return cri.SecurityProfile(profile_type=cri.SecurityProfile.Localhost, localhost_ref=reference)


def said(**fields: Any) -> tuple[str, ...]:
    """The options of a container with these fields, in a pod without any."""
    context = cri.LinuxContainerSecurityContext(**fields)
    found = security.fields(context, cri.LinuxSandboxSecurityContext(privileged=True))
    options: tuple[str, ...] = found["security_options"]
    return options


def test_seccomp(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.touch()
    here = (f"seccomp={profile}",)
    assert said() == (NONE,)
    assert said(seccomp=RUNTIME) == ()
    assert said(seccomp=UNCONFINED) == (NONE,)
    assert said(seccomp=local(str(profile))) == here
    assert said(seccomp=local(f"localhost/{profile}")) == here
    assert said(seccomp_profile_path="runtime/default") == ()
    assert said(seccomp_profile_path=f"localhost/{profile}") == here
    assert said(seccomp=RUNTIME, seccomp_profile_path="unconfined") == (), "the new field counts"
    assert said(seccomp=local(str(profile)), privileged=True) == (NONE,)
    for wrong in ("relative.json", "/no/such.json"):
        with pytest.raises(InvalidArgument, match=wrong):
            said(seccomp=local(wrong))


def test_apparmor(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = ("apparmor=mine",)
    monkeypatch.setattr(security, "here", lambda: Host(apparmor=True))
    for fields, options in (
        ({"apparmor": RUNTIME}, ()),
        ({"apparmor": UNCONFINED}, ("apparmor=unconfined",)),
        ({"apparmor": local("mine")}, mine),
        ({"apparmor": local("localhost/mine")}, mine),
        ({"apparmor_profile": "localhost/mine"}, mine),
        ({"apparmor_profile": "runtime/default"}, ()),
        ({"apparmor": RUNTIME, "apparmor_profile": "localhost/mine"}, ()),
    ):
        assert said(**fields) == (NONE, *options)
    monkeypatch.setattr(security, "here", Host)
    assert said(apparmor=UNCONFINED) == (NONE,)
    with pytest.raises(NotSupported, match="mine"):
        said(apparmor=local("mine"))


def test_each_part_of_a_selinux_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "here", lambda: Host(selinux=True))
    label = cri.SELinuxOption(user="u", role="r", type="t", level="s0")
    assert said(selinux_options=label) == (
        NONE, "label=user:u", "label=role:r", "label=type:t", "label=level:s0"
    )  # fmt: skip


@pytest.mark.e2e
def test_a_local_profile_is_what_the_kernel_asks(kubelet: Any, tmp_path: Path) -> None:
    profile = tmp_path / "no-mkdir.json"
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    pod = kubelet.pod()
    script = "mkdir /x 2>&-; test -d /x || echo none"
    for asked, shown in ((local(str(profile)), "none"), (UNCONFINED, "")):
        security_context = cri.LinuxContainerSecurityContext(seccomp=asked)
        assert kubelet.output(pod, "sh", "-c", script, security=security_context) == shown
    config = kubelet.config("true", windows=cri.WindowsContainerConfig())
    with pytest.raises(grpc.RpcError, match="Windows") as caught:
        kubelet.create(pod, config)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
