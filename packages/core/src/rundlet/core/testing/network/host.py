"""A network namespace in the place of the host's, and what is seen in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ...linux import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

_SELF = "/proc/thread-self/ns/net"


@contextmanager
def isolated_host() -> Iterator[None]:
    """This thread, and what it starts, in a fresh network namespace with loopback up."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("nsenter")):
        pytest.skip("network namespaces need root, ip and nsenter")
    before = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            syscalls.setns(before, syscalls.CLONE_NEWNET)
    finally:
        os.close(before)


def inside(namespace: Path | None, *words: str) -> str:
    """What a program prints in a namespace (None: the host's)."""
    enter = ["nsenter", f"--net={namespace}"] if namespace is not None else []
    done = subprocess.run([*enter, *words], capture_output=True, text=True, check=True)
    return done.stdout


def rules() -> list[str]:
    """The host's packet filter rules, without counters and times."""
    found = []
    for program in ("iptables-save", "ip6tables-save"):
        if shutil.which(program):
            lines = subprocess.run([program], capture_output=True, text=True).stdout.splitlines()
            found += [f"{program}: {line}" for line in lines if line.startswith("-A")]
            found += [f"{program}: {line.split()[0]}" for line in lines if line.startswith(":")]
    return sorted(found)


def links(namespace: Path | None) -> list[dict[str, Any]]:
    """The interfaces of a namespace with their addresses, as `ip -json address` has them."""
    found: list[dict[str, Any]] = json.loads(inside(namespace, "ip", "-json", "address"))
    return found
