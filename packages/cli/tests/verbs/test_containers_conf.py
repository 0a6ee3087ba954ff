"""containers.conf and storage.conf are obeyed, and what is typed is stronger."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from devtools.fixtures import needs
from devtools.lying import Exchange, LyingRegistry
from devtools.tool import Rundlet
from devtools.waiting import until

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
init = true
volumes = ["/usr/share/zoneinfo:/vol"]
container_name_as_hostname = true
"""
SEEN = (
    "touch /a 2>/dev/null || echo read-only; df /dev/shm | tail -1 | awk '{print $2}';"
    " test -c /dev/mine && echo device; echo $FROM_CONF; umask; ls /sys/class/net;"
    " test -d /vol/Europe && echo volume; tr '\\0' '\\n' < /proc/1/cmdline | head -1"
)


def test_containers_conf(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    (tmp_path / "containers.conf").write_text(CONF)
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet.environment["CONTAINERS_CONF"] = str(tmp_path / "containers.conf")
    words = ("busybox", "sh", "-c", SEEN)
    seen = rundlet("run", "--name", "c", *words).stdout.split()
    assert seen == ["read-only", "2048", "device", "1", "0077", "lo", "volume", "/run/podman-init"]
    changed = CONF.replace("FROM_CONF=1", "FROM_CONF=7").replace("0077", "0027")
    (tmp_path / "containers.conf").write_text(changed.replace("2m", "4m"))
    assert rundlet("start", "-a", "c").stdout.split() == seen  # it was created with the old ones
    assert rundlet("inspect", "--format", "{{.Config.Umask}}", "c").stdout == "0077\n"
    (tmp_path / "containers.conf").write_text(CONF)
    named = rundlet("run", "--rm", "--name", "a_b.c", "busybox", "hostname")
    assert named.stdout == "ab.c\n"
    assert "cannot read logs" in rundlet("logs", "c", check=False).stderr
    typed = (
        "--read-only=false",
        "--init=false",
        "--shm-size=3m",
        "--device",
        "/dev/zero",
        "-e",
        "FROM_CONF=2",
    )
    seen = rundlet("run", "--rm", *typed, *words).stdout.split()
    assert seen == ["3072", "device", "2", "0077", "lo", "volume", "sh"]


def test_privileged_of_exec(loaded: Rundlet, tmp_path: Path) -> None:
    """The key is a default of `exec --privileged` too."""
    loaded("run", "-d", "--name", "c", "--network=none", "busybox", "sleep", "100")
    (tmp_path / "containers.conf").write_text("[containers]\nprivileged = true\n")
    loaded.environment["CONTAINERS_CONF"] = str(tmp_path / "containers.conf")
    words = ("c", "grep", "CapEff", "/proc/self/status")
    plain = loaded("exec", "--privileged=false", *words).stdout
    assert loaded("exec", *words).stdout == loaded("exec", "--privileged", *words).stdout != plain


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


RUNTIME = """\
#!/bin/sh
echo "$OF_CONMON $@" >> {log}
exec {runtime} "$@"
"""


def test_keys_of_runtimes(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    """As a real runtime gets them."""
    needs("runc")
    log, program = tmp_path / "log", tmp_path / "runtime"
    program.write_text(RUNTIME.format(log=log, runtime=shutil.which("runc")))
    program.chmod(0o755)
    conf = tmp_path / "containers.conf"
    conf.write_text(
        "[containers]\nkeyring = false\n[engine]\nruntime = 'runc'\nno_pivot_root = true\n"
        "conmon_env_vars = ['OF_CONMON=1']\n"
        f"[engine.runtimes]\nrunc = ['/none', '{program}']\n"
        "[engine.runtimes_flags]\nrunc = ['debug']\n"
    )
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet("load", "-q", "-i", str(busybox_archive))
    done = rundlet("run", "--rm", "--network=none", "busybox", "sh", "-c", "echo $OF_CONMON; ls /")
    assert done.stdout.startswith("\nbin\n")
    created = next(line for line in log.read_text().splitlines() if " create " in line)
    assert created.startswith("1 ")
    assert {"--debug", "--no-pivot", "--no-new-keyring"} <= {*created.split()}


def test_a_runtime_of_any_name(loaded: Rundlet, tmp_path: Path) -> None:
    """Its exit command must find it, too: with podman a container with --rm once stayed."""
    needs("runc")
    (tmp_path / "odd").symlink_to(str(shutil.which("runc")))
    (tmp_path / "containers.conf").write_text(
        f"[engine]\nruntime = 'any'\n[engine.runtimes]\nany = ['/none', '{tmp_path}/odd']\n"
    )
    loaded.environment["CONTAINERS_CONF"] = str(tmp_path / "containers.conf")
    loaded("run", "-d", "--rm", "--name", "c", "--network=none", "busybox", "true")
    until(lambda: loaded("ps", "-aq").stdout == "")
    assert "any" in loaded("runtime", "ls", "-q").stdout.split()


def test_keys_of_logs(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    """log_path, a directory with a file for each container; log_size_max; log_tag, which is not
    of files.
    """
    logs = tmp_path / "logs"
    logs.mkdir()
    conf = tmp_path / "containers.conf"
    conf.write_text(
        f"[containers]\nlog_path = '{logs}'\nlog_tag = '{{{{.Name}}}}'\nlog_size_max = 8192\n"
    )
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet("load", "-q", "-i", str(busybox_archive))
    identity = rundlet(
        *("create", "--network=none", "--name=c", "busybox", "seq", "3000")
    ).stdout.strip()
    rundlet("start", "-a", "c")
    form = "{{.HostConfig.LogConfig.Path}}"
    path = rundlet("inspect", "c", "--format", form).stdout.strip()
    assert path == f"{logs}/{identity}.log"
    assert 0 < os.path.getsize(path) <= 8192
    assert rundlet("logs", "c").stdout.endswith("\n3000\n")
    rundlet("create", "--network=none", "--name=d", f"--log-opt=path={tmp_path}/d", "busybox")
    assert rundlet("inspect", "d", "--format", form).stdout == f"{tmp_path}/d\n"


def test_log_tags(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    """What conmon gets, which conmon_path names: templates are filled in (podman-run(1))."""
    program, log = tmp_path / "conmon", tmp_path / "log"
    program.write_text(RUNTIME.format(log=log, runtime=shutil.which("conmon")))
    program.chmod(0o755)
    conf = tmp_path / "containers.conf"
    conf.write_text(f"[engine]\nconmon_path = ['/none', '{program}']\n")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet("load", "-q", "-i", str(busybox_archive))
    # A file has no tags, and conmon says so: a journal is not on every machine.
    words = ("--network=none", "--name=c", "--log-opt=tag={{.Name}}/{{.ImageName}}", "busybox")
    said = rundlet("run", *words, check=False).stderr
    assert "k8s-file doesn't support --log-tag" in said
    assert "--log-tag c/localhost/busybox:latest" in log.read_text()


@pytest.mark.parametrize(("retry", "asked"), [(0, 1), (2, 3)])
def test_retries(rundlet: Rundlet, tmp_path: Path, retry: int, asked: int) -> None:
    conf = tmp_path / "containers.conf"
    conf.write_text(f"[engine]\nretry = {retry}\nretry_delay = '100ms'\n")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    with LyingRegistry() as registry:

        def busy(exchange: Exchange) -> bool:
            return "/manifests/" in exchange.path and exchange.answer(503)

        registry.behave = busy
        begun = time.monotonic()
        rundlet("pull", "-q", "--tls-verify=false", f"{registry.host}/x", check=False)
        assert len(registry.asked("GET", "/manifests/")) == asked
        if retry:
            assert time.monotonic() - begun >= 0.3  # 100 ms, then 200


def test_image_default_format(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    conf = tmp_path / "containers.conf"
    conf.write_text("[engine]\nimage_default_format = 'v2s2'\n")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("create", "--name=c", "--network=none", "busybox")
    rundlet("commit", "-q", "c", "committed")
    rundlet("commit", "-q", "--format=oci", "c", "typed")
    (tmp_path / "Containerfile").write_text("FROM busybox\nLABEL a=b\n")
    rundlet("build", "-q", "-t", "built", str(tmp_path))
    seen = rundlet("inspect", "-f", "{{.ManifestType}}", "committed", "built", "typed").stdout
    assert [line.partition("vnd.")[2].partition(".")[0] for line in seen.splitlines()] == [
        *("docker", "docker", "oci")
    ]


def test_helper_binaries_dir(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    needs("catatonit")
    program = tmp_path / "catatonit"
    shutil.copy(shutil.which("catatonit") or "", program)
    conf = tmp_path / "containers.conf"
    conf.write_text(f"[engine]\nhelper_binaries_dir = ['/none', '{tmp_path}']\n")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet("load", "-q", "-i", str(busybox_archive))
    words = ("--network=none", "--init", "busybox", "true")
    rundlet("run", "--name=c", *words)
    mounts = json.loads(rundlet("container", "inspect", "c").stdout)[0]
    spec = json.loads(Path(mounts["OCIConfigPath"]).read_text())
    assert str(program) in [mount.get("source") for mount in spec["mounts"]]


def test_default_subnet_pools(rundlet: Rundlet, tmp_path: Path) -> None:
    conf = tmp_path / "containers.conf"
    pools = "[{base = '10.217.8.0/29', size = 30}, {base = '10.217.9.0/24', size = 26}]"
    conf.write_text(
        f"[network]\ndefault_subnet_pools = {pools}\nnetwork_config_dir = '{tmp_path}/net'\n"
    )
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    for name in "abc":
        rundlet("network", "create", name)
    form = ("network", "inspect", "--format", "{{range .Subnets}}{{.subnet}}{{end}}")
    seen = rundlet(*form, "a", "b", "c").stdout.split()
    assert seen == ["10.217.8.0/30", "10.217.8.4/30", "10.217.9.0/26"]
    conf.write_text(conf.read_text().replace("size = 30", "size = 20"))
    said = rundlet("images", check=False).stderr
    assert f"{conf}: network.default_subnet_pools: 10.217.8.0/29 has no subnets of size 20" in said


def test_platform_to_oci_runtime(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    platform = rundlet("inspect", "busybox", "--format", "{{.Os}}/{{.Architecture}}").stdout.strip()
    conf = tmp_path / "containers.conf"
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    for name, wanted in ((platform, "runc"), ("wasi/wasm", "crun")):
        conf.write_text(
            f'[engine]\nruntime = "crun"\n[engine.platform_to_oci_runtime]\n"{name}" = "runc"\n'
        )
        made = rundlet("create", "--network=none", "busybox", "true").stdout.strip()
        assert rundlet("inspect", made, "--format", "{{.OCIRuntime}}").stdout.strip() == wanted


def test_prepare_volume_on_create(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    conf = tmp_path / "containers.conf"
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    for name, wanted in (("false", False), ("true", True)):
        conf.write_text(f"[containers]\nprepare_volume_on_create = {name}\n")
        rundlet("create", "--network=none", "-v", f"{name}:/etc", "busybox", "true")
        place = rundlet("volume", "inspect", name, "--format", "{{.Mountpoint}}").stdout.strip()
        assert (Path(place) / "passwd").exists() is wanted
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(rundlet.directory) not in mounts, "the root was mounted for the copy alone"


def test_a_container_keeps_what_it_was_made_with(
    rundlet: Rundlet, busybox_archive: Path, tmp_path: Path
) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    conf = tmp_path / "containers.conf"
    conf.write_text("[containers]\nlog_driver = 'none'\n[engine]\nstop_timeout = 1\n")
    rundlet("run", "--name=a", "--network=none", "busybox", "echo", "kept")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet("create", "--name=b", "--network=none", "busybox", "true")
    assert rundlet("logs", "a").stdout == "kept\n"
    del rundlet.environment["CONTAINERS_CONF"]
    form = "{{.Config.StopTimeout}} {{.HostConfig.LogConfig.Type}}"
    assert rundlet("inspect", "a", "b", "--format", form).stdout == "10 k8s-file\n1 none\n"


def test_help_shows_what_is_configured(rundlet: Rundlet, tmp_path: Path) -> None:
    conf = tmp_path / "help.conf"
    conf.write_text("[engine]\nretry = 10\nretry_delay = '5s'\ncompression_format = 'zstd'\n")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    for verb, shown in (("push", ("(10)", "(5s)", "(zstd)")), ("create", ("(10)", "(5s)"))):
        text = rundlet(verb, "--help").stdout
        assert all(f"[default: {one}]" in text for one in shown), verb
