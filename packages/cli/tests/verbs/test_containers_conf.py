"""containers.conf and storage.conf are obeyed, and what is typed is stronger."""

from __future__ import annotations

from pathlib import Path

from devtools.tool import Rundlet

CONF = """\
[containers]
read_only = true
cgroupns = "private"
no_hosts = true
shm_size = "2m"
devices = ["/dev/null:/dev/mine"]
env = ["FROM_CONF=1"]
netns = "none"
umask = "0077"
log_driver = "none"
"""
SEEN = (
    "touch /a 2>/dev/null || echo read-only; df /dev/shm | tail -1 | awk '{print $2}';"
    " test -c /dev/mine && echo device; echo $FROM_CONF; umask; ls /sys/class/net"
)


def test_containers_conf(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    (tmp_path / "containers.conf").write_text(CONF)
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet.environment["CONTAINERS_CONF"] = str(tmp_path / "containers.conf")
    words = ("busybox", "sh", "-c", SEEN)
    seen = rundlet("run", "--name", "c", *words).stdout.split()
    assert seen == ["read-only", "2048", "device", "1", "0077", "lo"]
    assert "cannot read logs" in rundlet("logs", "c", check=False).stderr
    typed = ("--read-only=false", "--shm-size=3m", "--device", "/dev/zero", "-e", "FROM_CONF=2")
    seen = rundlet("run", "--rm", *typed, *words).stdout.split()
    assert seen == ["3072", "device", "2", "0077", "lo"]


def test_storage_conf(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    (tmp_path / "storage.conf").write_text("[storage]\ndriver = 'vfs'\n")
    rundlet.environment["CONTAINERS_STORAGE_CONF"] = str(tmp_path / "storage.conf")
    rundlet("load", "-q", "-i", str(busybox_archive))
    assert rundlet("info", "-f", "{{.Store.GraphDriverName}}").stdout == "vfs\n"
    rundlet("run", "--rm", "--network=none", "busybox", "true")
    (tmp_path / "storage.conf").write_text("[storage]\ndriver = 7\n")
    done = rundlet("images", check=False)
    assert (done.returncode, "storage.driver" in done.stderr) == (125, True)
