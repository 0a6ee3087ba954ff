"""Debian's systemd as the init of a container."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until

SYSTEMD = Path("/usr/lib/systemd/systemd")

# Started by a user other than root, systemd believes the PID file only where it finds the
# process in the service's cgroup: its own cgroup must be where it looks for it.
SERVICE = """
[Service]
Type=forking
User=nobody
RuntimeDirectory=forks
PIDFile=/run/forks/pid
ExecStart=/bin/sh -c 'sleep 1000 & echo $! >/run/forks/pid'
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root directory with this machine's /usr to come, and one service that forks."""
    root = tmp_path / "machine"
    units = root / "etc/systemd/system"
    for directory in ("usr", "var", "root", "tmp"):
        (root / directory).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / link).symlink_to(f"usr/{link}")
    units.mkdir(parents=True)
    (units / "forks.service").write_text(SERVICE)
    for name in ("passwd", "group", "ld.so.cache"):
        shutil.copy(f"/etc/{name}", root / "etc")
    return root


@pytest.mark.skipif(not SYSTEMD.exists(), reason="needs systemd")
def test_systemd_boots_and_halts(rundlet: Rundlet, machine: Path) -> None:
    words = ("-d", "--name=it", "--network=none", "--volume=/usr:/usr:ro")
    rundlet("run", *words, "--rootfs", str(machine), str(SYSTEMD), "--unit=forks.service")
    state = ("exec", "it", "systemctl", "is-active", "forks")
    until(lambda: rundlet(*state, check=False).stdout == "active\n", "the service to start")
    rundlet("stop", "it")
    assert rundlet("inspect", "-f", "{{.State.ExitCode}}", "it").stdout == "0\n"
