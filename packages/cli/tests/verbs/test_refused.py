"""What `run` and `create` refuse before anything is made, and what was taken silently once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devtools.tool import Rundlet

REFUSED = {
    "-v :/x": "host directory cannot be empty",
    "--mount type=bind,src=/usr,dst=/x,ro=maybe": "must be set to true or false",
    "--mount type=tmpfs,src=/usr,dst=/x": "source is not supported with tmpfs",
    "-v /usr:/x:z,Z": "can only specify 1 'z', 'Z', or 'O' option",
    "-e X=\udcff": r"not UTF-8: b'\xff'",
    "--mount type=odd,dst=/x": "invalid filesystem type",
    "--dns x": "x is not an ip address",
    "--add-host x": "bad format for add-host",
    "--add-host a:b": "invalid IP address in add-host",
    "--no-hosts --add-host a:1.2.3.4": "cannot be set together",
    "--ip bogus": "is not an ip address",
    "--network podman:ip=1.2.3": "is not an ip address",
    "--mac-address 00:11:22:33:44": "invalid MAC address",
    "--network podman:mac=zz:11:22:33:44:55": "invalid MAC address",
    "--expose 0": "invalid range format for --expose",
    "--expose 9-8": "invalid range format for --expose",
    "--expose 80/odd": "invalid protocol for --expose",
    "--timeout -1": "invalid argument",
    "--uidmap 0:0:1 --userns host": "mutually exclusive",
    "-m 100m --memory-reservation 1g": "memory reservation",
    "-m 99999999999g": "invalid size",
    "--shm-size -1": "invalid size",
    "--cap-add FLY": "unknown capability 'FLY'",
    "--device /dev/none": "no such file or directory",
    "--device /etc/passwd": "is not a device node",
    "-v /usr:/x:bogus": "invalid mount option 'bogus'",
    "--tmpfs /x:bogus": "invalid mount option 'bogus'",
    "-v /usr:/x:bind,rbind": "'bind' and 'rbind' contradict",
    "-v /usr:/x -v /etc:/x": "duplicate mount destination",
    "-v /no/such:/x": "statfs /no/such: no such file or directory",
    "--mount type=volume,src=/usr,dst=/x": "/usr is no name of a volume",
    "--mount type=volume,dst=/x,volume-opt=a": "is not volume-opt=NAME=VALUE",
    "--mount type=devpts,src=/y,dst=/x": "source is not supported with devpts",
    "--device /usr": "no devices found in it",
    "--dns none --dns 1.1.1.1": "none is not allowed to be specified with other",
    "--dns 1.1.1.1 --network none": "conflicting options: dns and the network mode: none",
    "--network none --network podman": "selected mode none",
    "--mount type=image,src=localhost/no,dst=/x": "localhost/no: image not known",
    "--mount type=artifact,src=localhost/no,dst=/x": "localhost/no",
    "--platform linux/arm64 --arch arm64": "can not be specified with --arch or --os",
    "--network host:x": "invalid option for network host",
    "--network pasta": "network mode pasta is of rootless containers",
    "--network ns:/no/such": "cannot find specified network namespace path: /no/such",
    "--uts host --hostname x": "cannot set hostname",
    "--cgroupns strange": "--cgroupns 'strange': not a namespace mode",
    "--group-add 5 --group-add keep-groups": "not allowed with any other --group-add",
    "--init --systemd always": "cannot use container-init binary",
    "--cpuset-cpus 9999": "requested CPUs are not available - requested 9999",
    "--cpu-period 5": "CPU cfs period cannot be less than 1ms",
    "--health-cmd x --health-timeout 0s": "health-timeout must be at least 1 second",
}


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


@pytest.mark.parametrize("typed", REFUSED)
def test_refused(rundlet: Rundlet, typed: str) -> None:
    done = rundlet(
        "create", *typed.split(), "--rootfs", str(rundlet.directory), "true", check=False
    )
    assert (done.returncode, REFUSED[typed] in done.stderr) == (125, True), done.stderr


def test_init_path(store: Rundlet, tmp_path: Path) -> None:
    run = ("run", "--rm", "--network", "none", "--init", "--init-path")
    assert "not found on the host" in store(*run, "/nosuch", "busybox", "true", check=False).stderr
    (tmp_path / "init").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "init").chmod(0o755)
    assert store(*run, str(tmp_path / "init"), "busybox", "true").stdout == "mine\n"
    store.environment["RUNDLET_INIT_PATH"] = "/not/there"
    done = store(*run[:-1], "busybox", "true", check=False)
    assert "not found on the host: /not/there" in done.stderr


def test_the_hosts_own_directories_are_not_given_away(store: Rundlet) -> None:
    before = os.stat("/srv").st_uid
    done = store("run", "--rm", "-u", "7", "-v", "/srv:/x:U", "busybox", "true", check=False)
    assert (done.returncode, "is not allowed" in done.stderr) == (125, True)
    assert os.stat("/srv").st_uid == before


def test_memory_file_systems(store: Rundlet) -> None:
    words = ("--mount", "type=ramfs,dst=/r,tmpfs-mode=700", "--tmpfs", "/t:noswap,size=1m")
    seen = "grep ' /[rt] ' /proc/mounts; stat -c %a /r"
    done = store(
        "run", "--rm", "--network", "none", *words, "busybox", "sh", "-c", seen, check=False
    )
    assert (" /r ramfs rw" in done.stdout, done.stdout.endswith("700\n")) == (True, True), done


def test_an_overlay_without_its_directories(store: Rundlet, tmp_path: Path) -> None:
    volume = f"{tmp_path}:/x:O,upperdir={tmp_path}/no,workdir={tmp_path}/nor"
    done = store("run", "--network", "none", "-v", volume, "busybox", "true", check=False)
    assert (done.returncode, "defect" in done.stderr) == (125, False)
    assert f"{tmp_path}/no: No such file" in done.stderr


def test_the_file_of_an_id_cannot_be_written(store: Rundlet, tmp_path: Path) -> None:
    store("create", "--name", "c", "busybox")
    done = store("commit", "--iidfile", f"{tmp_path}/no/such", "c", "made", check=False)
    assert (done.returncode, "defect" in done.stderr) == (125, False)
    assert "failed to write image ID" in done.stderr


def test_an_image_of_another_platform_is_not_run(store: Rundlet) -> None:
    done = store("create", "--platform", "linux/arm64", "localhost/busybox", check=False)
    assert done.returncode == 125
    assert store("create", "--platform", "linux/amd64", "localhost/busybox")
