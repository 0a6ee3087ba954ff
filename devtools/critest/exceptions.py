"""Specs that critest itself leaves out, and why."""

from __future__ import annotations

from pathlib import Path


def reason(name: str) -> str:
    """Why a spec is not run on this machine; "" when there is no good one."""
    if "benchmark about" in name:
        return "benchmarks are run when they are asked for (--benchmark); ours is `nox -s bench`"
    if "AppArmor" in name and not Path("/sys/kernel/security/apparmor").is_dir():
        return "this kernel has no AppArmor"
    if "SELinux" in name and not Path("/sys/fs/selinux").is_dir():
        return "this kernel has no SELinux"
    return ""
