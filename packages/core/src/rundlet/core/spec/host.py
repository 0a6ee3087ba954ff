"""Facts about this machine and process that a spec depends on; a value, so tests make their own."""

from __future__ import annotations

import os

from ..value import EMPTY, Value
from .capabilities import ALL
from .rlimits import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# `uname -m` to the names of OCI platforms and Go (GOARCH), which seccomp profiles use.
ARCHITECTURES = {
    "x86_64": "amd64",
    "i686": "386",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
    "mips64": "mips64",
}


class Host(Value):
    """What the kernel grants us.

    capabilities: the bounding set by name; effective: whether ours includes a capability.
    rlimits: name without RLIMIT_ to (soft, hard), -1 unlimited.
    kernel: (major, minor). oom_score_adj: of this process.
    """

    capabilities: tuple[str, ...] = ALL
    effective: tuple[str, ...] = ALL
    architecture: str = "amd64"
    kernel: tuple[int, int] = (6, 1)
    rlimits: Mapping[str, tuple[int, int]] = EMPTY
    open_files_max: int = 1048576
    pid_max: int = 4194304
    oom_score_adj: int = 0
    apparmor: bool = False
    selinux: bool = False

    def can(self, capability: str) -> bool:
        """Whether this process has a capability ("CAP_SYS_RESOURCE")."""
        return capability in self.effective


def here() -> Host:
    """The facts of this machine, read now (about 0.3 ms)."""
    import resource

    status = _status()
    machine = os.uname()
    return Host(
        capabilities=_names(status.get("CapBnd", "0")),
        effective=_names(status.get("CapEff", "0")),
        architecture=ARCHITECTURES.get(machine.machine, machine.machine),
        kernel=_kernel(machine.release),
        rlimits={
            name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
            for name in NAMES
            if hasattr(resource, f"RLIMIT_{name}")
        },
        open_files_max=_number("/proc/sys/fs/nr_open", 1048576),
        pid_max=_number("/proc/sys/kernel/pid_max", 4194304),
        oom_score_adj=_number("/proc/self/oom_score_adj", 0),
        apparmor=_text("/sys/module/apparmor/parameters/enabled").startswith("Y"),
        selinux=os.path.exists("/sys/fs/selinux/enforce"),
    )


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}


def _names(mask: str) -> tuple[str, ...]:
    bits = int(mask, 16)
    return tuple(name for number, name in enumerate(ALL) if bits >> number & 1)


def _kernel(release: str) -> tuple[int, int]:
    major, _, rest = release.partition(".")
    minor = ""
    for character in rest:
        if not character.isdecimal():
            break
        minor += character
    return int(major), int(minor or 0)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _number(path: str, default: int) -> int:
    try:
        return int(_text(path))
    except ValueError:
        return default
