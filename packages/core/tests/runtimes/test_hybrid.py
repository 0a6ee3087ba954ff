"""The mount namespace in which crun is run on hybrid machines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rundlet.core.errors import DriverUnavailable
from rundlet.core.linux import syscalls
from rundlet.core.runtimes.hybrid import namespace_without

MS_SHARED = 0x100000  # mount(2); sys/mount.h


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Path]:
    """A shared mount with a mount in it, `hidden`, and another beside it, also shared."""
    with ExitStack() as stack:
        for path in (tmp_path / "parent", tmp_path / "parent/hidden", tmp_path / "other"):
            path.mkdir()
            syscalls.mount("tmpfs", str(path), "tmpfs")
            stack.callback(syscalls.unmount, str(path), syscalls.MNT_DETACH)
            syscalls.mount("", str(path), flags=MS_SHARED)
        yield tmp_path / "parent"


def mounts(path: Path, namespace: int | None = None) -> dict[str, str]:
    """Mount points below a directory and their propagation, here or in a namespace."""
    command = ["findmnt", "-rn", "-o", "TARGET,PROPAGATION"]
    if namespace is not None:
        command = ["nsenter", f"--mount=/proc/{os.getpid()}/fd/{namespace}", *command]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split() for line in lines if line.startswith(f"{path}/"))  # type: ignore[misc]


def test_the_mount_is_hidden_there_only(parent: Path) -> None:
    before = mounts(parent.parent)
    (parent / "hidden/seen").touch()
    namespace = namespace_without(f"{parent}/hidden")
    try:
        there = mounts(parent.parent, namespace)
        inside = ("nsenter", f"--mount=/proc/{os.getpid()}/fd/{namespace}")
        script = f"ls {parent}/hidden; mkdir {parent}/hidden/made"
        shown = subprocess.run([*inside, "sh", "-c", script], check=True, capture_output=True)
    finally:
        os.close(namespace)
    assert there == {
        f"{parent}": "private",
        f"{parent}/hidden": "private",
        f"{parent.parent}/other": "shared",
    }
    assert shown.stdout == b""
    assert mounts(parent.parent) == before
    syscalls.unmount(f"{parent}/hidden")
    assert os.listdir(parent / "hidden") == [], "what is made there stays below the mount"
    syscalls.mount("tmpfs", f"{parent}/hidden", "tmpfs")


def test_what_cannot_be_hidden_is_an_error(parent: Path) -> None:
    with pytest.raises(DriverUnavailable, match="hybrid cgroups"):
        namespace_without(f"{parent}/missing")
