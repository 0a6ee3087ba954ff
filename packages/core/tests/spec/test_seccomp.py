"""Seccomp profiles: the shipped one's promises, and profiles of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.errors import InvalidArgument
from rundlet.core.spec.capabilities import ALL, DEFAULT
from rundlet.core.spec.host import Host
from rundlet.core.spec.seccomp import resolve, seccomp

HOST = Host()


def answers(profile: dict[str, Any], name: str) -> list[str]:
    """What the rules without arguments say of a system call, in order."""
    return [
        f"{rule['action']}:{rule.get('errnoRet', '')}"
        for rule in profile["syscalls"]
        if name in rule["names"] and not rule.get("args")
    ]


@pytest.fixture
def default() -> dict[str, Any]:
    found = seccomp("", DEFAULT, HOST)
    assert found is not None
    return found


def test_unknown_calls_are_answered_as_an_old_kernel_would(default: dict[str, Any]) -> None:
    assert default["defaultAction"] == "SCMP_ACT_ERRNO"
    assert default["defaultErrnoRet"] == 38
    assert default["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]


@pytest.mark.parametrize("name", ["read", "execve", "openat2", "clone3", "futex_wait", "mseal"])
def test_ordinary_calls_are_allowed(default: dict[str, Any], name: str) -> None:
    assert answers(default, name) == ["SCMP_ACT_ALLOW:"]


@pytest.mark.parametrize(
    "name", ["kexec_load", "bpf", "init_module", "open_by_handle_at", "swapon", "settimeofday"]
)
def test_privileged_calls_are_refused(default: dict[str, Any], name: str) -> None:
    assert answers(default, name) == ["SCMP_ACT_ERRNO:1"]


@pytest.mark.parametrize(
    ("capability", "name"),
    [("SYS_ADMIN", "bpf"), ("SYS_MODULE", "init_module"), ("SYS_TIME", "settimeofday")],
)
def test_a_capability_brings_its_calls(capability: str, name: str) -> None:
    found = seccomp("", (*DEFAULT, f"CAP_{capability}"), HOST)
    assert found is not None
    assert answers(found, name) == ["SCMP_ACT_ALLOW:"]


def test_the_audit_socket_needs_its_capability(default: dict[str, Any]) -> None:
    refused = [r for r in default["syscalls"] if r["names"] == ["socket"] and "errnoRet" in r]
    assert refused[0]["errnoRet"] == 22
    free = seccomp("", ALL, HOST)
    assert free is not None
    assert answers(free, "socket") == ["SCMP_ACT_ALLOW:"]


def test_architectures_differ() -> None:
    arm = seccomp("", DEFAULT, Host(architecture="arm64"))
    assert arm is not None
    assert arm["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert answers(arm, "arch_prctl") == []
    assert answers(arm, "cacheflush") == ["SCMP_ACT_ALLOW:"]


def test_no_call_is_both_allowed_and_refused(default: dict[str, Any]) -> None:
    for every in (default, seccomp("", ALL, HOST), seccomp("", (), HOST)):
        assert every is not None
        seen: dict[str, str] = {}
        for rule in every["syscalls"]:
            for name in rule["names"] if not rule.get("args") else ():
                assert seen.setdefault(name, rule["action"]) == rule["action"], name


def test_conditions_on_kernels() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}
        ],
    }
    assert resolve(profile, (), Host(kernel=(4, 7)))["syscalls"] == []
    assert len(resolve(profile, (), Host(kernel=(4, 8)))["syscalls"]) == 1


def test_debians_own_profile_is_read(tmp_path: Path) -> None:
    path = Path("/usr/share/containers/seccomp.json")
    if not path.exists():
        pytest.skip("containers-common is not installed")
    found = seccomp(str(path), DEFAULT, HOST)
    assert found is not None
    assert set(answers(found, "read")) == {"SCMP_ACT_ALLOW:"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{}]}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [7]}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": 7}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"a": 1}], "syscalls": []}',
    ],
)
def test_a_bad_profile_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(InvalidArgument, match=r"bad\.json"):
        seccomp(str(path), DEFAULT, HOST)


def test_a_plain_oci_profile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "plain.json"
    plain = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}],
    }
    path.write_text(json.dumps(plain))
    assert seccomp(str(path), DEFAULT, HOST) == plain
