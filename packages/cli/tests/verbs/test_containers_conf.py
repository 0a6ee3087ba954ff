"""containers.conf and storage.conf are obeyed, and what is typed is stronger."""

from __future__ import annotations

import json
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
container_name_as_hostname = true
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
    named = rundlet("run", "--rm", "--name", "a_b.c", "busybox", "hostname")
    assert named.stdout == "ab.c\n"
    assert "cannot read logs" in rundlet("logs", "c", check=False).stderr
    typed = ("--read-only=false", "--shm-size=3m", "--device", "/dev/zero", "-e", "FROM_CONF=2")
    seen = rundlet("run", "--rm", *typed, *words).stdout.split()
    assert seen == ["3072", "device", "2", "0077", "lo"]


ENGINE = """\
[engine]
compression_format = "zstd"
compression_level = 9
env = ["OF_THE_ENGINE=1"]
events_logger = "none"
multi_image_archive = true
misspelt = 1
"""


def test_engine_table(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    """How images are pushed and saved, what the engine itself has; an unknown key only warns."""
    conf = tmp_path / "containers.conf"
    conf.write_text(ENGINE)
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    done = rundlet("load", "-q", "-i", str(busybox_archive))
    assert done.stderr == f"WARN[0000] unknown key in {conf}: engine.misspelt\n"
    words = ("--network=none", "-e", "OF_THE_ENGINE", "busybox", "sh", "-c", "echo $OF_THE_ENGINE")
    assert rundlet("run", "--rm", *words).stdout == "1\n"
    assert 'the "none" backend' in rundlet("events", "--stream=false", check=False).stderr
    kept = rundlet("--events-backend", "sqlite", "events", "--stream=false")
    assert kept.stdout == ""
    rundlet("push", "-q", "busybox", f"dir:{tmp_path}/zstd")
    rundlet("push", "-q", "--compression-format=gzip", "busybox", f"dir:{tmp_path}/gzip")
    for kind in ("zstd", "gzip"):
        manifest = json.loads((tmp_path / kind / "manifest.json").read_text())
        assert manifest["layers"][0]["mediaType"].endswith(kind)
    rundlet("tag", "busybox", "localhost/other")
    rundlet("save", "-q", "-o", str(tmp_path / "both.tar"), "busybox", "localhost/other")
    rundlet("rmi", "busybox", "localhost/other")
    assert "localhost/other" in rundlet("load", "-i", str(tmp_path / "both.tar")).stdout


def test_storage_conf(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    (tmp_path / "storage.conf").write_text("[storage]\ndriver = 'vfs'\n")
    rundlet.environment["CONTAINERS_STORAGE_CONF"] = str(tmp_path / "storage.conf")
    rundlet("load", "-q", "-i", str(busybox_archive))
    assert rundlet("info", "-f", "{{.Store.GraphDriverName}}").stdout == "vfs\n"
    rundlet("run", "--rm", "--network=none", "busybox", "true")
    (tmp_path / "storage.conf").write_text("[storage]\ndriver = 7\n")
    done = rundlet("images", check=False)
    assert (done.returncode, "storage.driver" in done.stderr) == (125, True)


def test_healthcheck_events(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    check = ("--health-cmd", "true", "--health-interval", "disable")
    rundlet("run", "-d", "--name", "c", "--network=none", *check, "busybox", "sleep", "100")
    shown = ("events", "--stream=false", "--filter", "event=health_status")
    (tmp_path / "containers.conf").write_text("[engine]\nhealthcheck_events = false\n")
    rundlet.environment["CONTAINERS_CONF"] = str(tmp_path / "containers.conf")
    rundlet("healthcheck", "run", "c")
    assert rundlet(*shown).stdout == ""
    del rundlet.environment["CONTAINERS_CONF"]
    rundlet("healthcheck", "run", "c")
    assert rundlet(*shown).stdout.count("health_status") >= 1
