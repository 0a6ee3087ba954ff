"""Debian's systemd as the init of a container, and as what manages those in that container."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until

SYSTEMD = Path("/usr/lib/systemd/systemd")

UNITS = ("exec", "it", "systemctl", "list-units", "--no-legend", "--type=scope")

pytestmark = pytest.mark.skipif(not SYSTEMD.exists(), reason="needs systemd")

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


def boot(rundlet: Rundlet, machine: Path, *flags: str) -> None:
    words = ("-d", "--name=it", "--network=none", "--volume=/usr:/usr:ro", *flags)
    rundlet("run", *words, "--rootfs", str(machine), str(SYSTEMD), "--unit=forks.service")
    state = ("exec", "it", "systemctl", "is-active", "forks")
    until(lambda: rundlet(*state, check=False).stdout == "active\n", "the service to start")


def test_systemd_boots_and_halts(rundlet: Rundlet, machine: Path) -> None:
    boot(rundlet, machine)
    rundlet("stop", "it")
    assert rundlet("inspect", "-f", "{{.State.ExitCode}}", "it").stdout == "0\n"


def test_systemd_manages_cgroups(rundlet: Rundlet, machine: Path, busybox_store: Path) -> None:
    """The cgroup manager of most machines, which this one need not have."""
    (machine / "etc/dbus-1").mkdir()
    subprocess.run(["cp", "-a", busybox_store, machine / "root/store"], check=True)
    ours = {sys.prefix, sys.base_prefix, str(Path(__file__).parents[4])} - {"/usr"}
    boot(rundlet, machine, "--privileged", *(f"--volume={path}:{path}:ro" for path in ours))
    rundlet("exec", "it", "systemctl", "start", "dbus.socket")

    def inside(*words: str) -> str:
        own = (f"{sys.prefix}/bin/rundlet", "--root=/root/store", "--runroot=/run/rundlet")
        return rundlet("exec", "it", *own, *words).stdout

    assert inside("info", "--format", "{{.Host.CgroupManager}}") == "systemd\n"
    for runtime in ("crun", "runc"):
        limits = ("--memory=30m", "--cpus=0.5")
        words = ("-d", "--name=c", "--network=none", f"--runtime={runtime}", *limits)
        container = inside("run", *words, "busybox", "sleep", "1000").strip()
        path = f"/machine.slice/rundlet-{container}.scope"
        assert inside("inspect", "-f", "{{.State.CgroupPath}}", "c") == f"{path}\n"
        assert f":{path}" in inside("exec", "c", "cat", "/proc/self/cgroup")
        usage = ("stats", "--no-stream", "--format", "{{.MemUsage}}")
        assert inside(*usage).split(" / ")[1] == "31.46MB\n"
        inside("update", "--memory=40m", "c")
        assert inside(*usage).split(" / ")[1] == "41.94MB\n"
        inside("pause", "c")
        inside("unpause", "c")
        inside("rm", "-f", "-t", "0", "c")
        until(lambda: "rundlet-" not in rundlet(*UNITS).stdout, "its scope to go")
