"""Namespaces of containers, and those that they share with others."""

from __future__ import annotations

import os

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until


@pytest.mark.parametrize("kind", ["pid", "ipc", "uts", "cgroup", "net"])
def test_namespaces_private_host_container_and_by_path(loaded: Rundlet, kind: str) -> None:
    flag = {"cgroup": "--cgroupns", "net": "--network"}.get(kind, f"--{kind}")
    own = os.readlink(f"/proc/self/ns/{kind}")
    other = ("--network=none",) if kind != "net" else ()
    loaded("run", "-d", "--name", "base", "--network=none", "--cgroupns=private", "busybox",
           "sleep", "100")  # fmt: skip
    pid = loaded("inspect", "--format", "{{.State.Pid}}", "base").stdout.strip()
    base = os.readlink(f"/proc/{pid}/ns/{kind}")

    def seen(mode: str) -> str:
        words = ("run", "--rm", flag, mode, *other, "busybox", "readlink", f"/proc/self/ns/{kind}")
        return loaded(*words).stdout.strip()

    assert seen("host") == own
    assert seen("container:base") == base
    assert seen(f"ns:/proc/{pid}/ns/{kind}") == base
    for mode in ("none", "private")[kind != "net" :]:
        assert seen(mode) not in (own, base)


def test_ipc_that_is_private_or_without_shm(loaded: Rundlet) -> None:
    """As podman's 190-run-ipcns.bats."""
    run = ("run", "--rm", "--network=none")
    done = loaded(*run, "--ipc=none", "busybox", "ls", "/dev/shm", check=False)
    assert (done.returncode, "No such file" in done.stderr) == (1, True)
    identity = loaded("create", "--ipc=private", "--name=keeps", "busybox").stdout.strip()
    done = loaded(*run, "--ipc=container:keeps", "busybox", check=False)
    said = f"joining IPC of container {identity} is not allowed: non-shareable IPC"
    assert (done.returncode, said in done.stderr) == (125, True)


def test_shared_memory_of_another_container(loaded: Rundlet) -> None:
    loaded("run", "-d", "--name=base", "--network=none", "busybox", "sleep", "1000")
    script = "echo written > /dev/shm/x; chmod 666 /dev/shm/x; sleep 1000"
    words = ("--network=none", "--ipc=container:base", "busybox", "sh", "-c")
    loaded("run", "-d", "--name=other", *words, script)
    until(lambda: "x" in loaded("exec", "base", "ls", "/dev/shm").stdout)
    assert loaded("exec", "base", "cat", "/dev/shm/x").stdout == "written\n"
    loaded("rm", "-f", "-t", "0", "other")
    assert not [line for line in loaded.mounts() if line.endswith("/shm")]
    assert loaded("run", "--rm", *words, "cat /dev/shm/x").stdout == "written\n"
