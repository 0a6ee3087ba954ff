"""What an exit costs, and what the OCI runtime knows of a container afterwards."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devtools.waiting import until
from rundlet.cri.proto import api_pb2 as cri

pytestmark = pytest.mark.e2e

TABLE = """\
[crio.runtime]
default_runtime = "counted"
[crio.runtime.runtimes.counted]
runtime_path = "{path}"
runtime_root = "{root}"
"""


def running(*command: str) -> list[str]:
    """Ids of processes with this command line."""
    wanted = b"\0".join(word.encode() for word in command) + b"\0"
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == wanted:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_an_exit_costs_no_process(server: Any, make_kubelet: Any, tmp_path: Path) -> None:
    """The runtime is not even run; RemoveContainer, or `rundlet rm`, makes it forget."""
    calls, root = tmp_path / "calls", tmp_path / "counted"
    program = tmp_path / "crun"
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexec {shutil.which("crun")} "$@"\n')
    program.chmod(0o755)
    server.crio.write_text(TABLE.format(path=program, root=root))
    kubelet = make_kubelet()
    pod = kubelet.pod()
    script = "until test -e /here/go; do sleep 0.05; done; exit 3"
    here = cri.Mount(host_path=str(tmp_path), container_path="/here")
    ends = [
        kubelet.run(pod, "sh", "-c", script, name=f"c{number}", mounts=[here])
        for number in range(2)
    ]
    monitor = (server.runroot / "containers" / ends[0] / "conmon.pid").read_text()
    assert "--exit-command" not in Path(f"/proc/{monitor}/cmdline").read_text()
    before = calls.read_text()
    (tmp_path / "go").touch()
    for container in ends:
        assert kubelet.ended(container).exit_code == 3
        until((server.runroot / "containers" / container / "known").exists)
        kubelet.client.stop_container(container_id=container)
    server.kill()
    kubelet.again()
    for container in ends:
        assert kubelet.status(container).exit_code == 3
    assert calls.read_text() == before
    assert sorted(one.name for one in root.iterdir()) == sorted(ends)
    rundlet = (Path(sys.executable).with_name("rundlet"), *server.places)
    shown = subprocess.run([*rundlet, "ps", "-a"], capture_output=True, text=True, check=True)
    assert shown.stdout.count("Exited (3)") == 2
    assert subprocess.run([*rundlet, "system", "check"], check=False).returncode == 0
    kubelet.client.remove_container(container_id=ends[0])
    subprocess.run([*rundlet, "rm", ends[1]], check=True)
    assert calls.read_text().count("delete --force") == 2
    assert not list(root.iterdir())
    assert not list(Path("/sys/fs/cgroup").glob(f"**/rundlet-cri-tests/*{ends[1]}"))


def test_what_a_container_leaves_in_the_pods_pid_namespace_ends_with_it(kubelet: Any) -> None:
    pod = kubelet.pod(kubelet.pod_config(network=cri.NODE, pid=cri.POD))
    security = cri.LinuxContainerSecurityContext(
        namespace_options=cri.NamespaceOption(network=cri.NODE, pid=cri.POD)
    )
    words = ("sleep", "67821")
    container = kubelet.run(pod, "sh", "-c", f"{' '.join(words)} & exit 0", security=security)
    assert kubelet.ended(container).exit_code == 0
    until(lambda: not running(*words))
