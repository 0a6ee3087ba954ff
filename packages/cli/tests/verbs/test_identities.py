"""Who a container's processes are: lines of passwd and group, user namespaces by name."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.tool import Rundlet

pytestmark = pytest.mark.e2e


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Where users of other namespaces may come by: pytest's own directories are for root only."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


def said(store: Rundlet, *words: str) -> list[str]:
    """What a container with these options prints for a command, by lines."""
    return store("run", "--rm", "--network", "none", *words).stdout.splitlines()


def test_a_user_that_the_image_does_not_know(store: Rundlet) -> None:
    words = ("--user", "4711", "-w", "/tmp", "busybox", "cat", "/etc/passwd", "/etc/group")
    lines = said(store, *words)
    assert "4711:*:4711:0:container user:/tmp:/bin/sh" in lines
    assert "4711:x:4711:4711" in lines
    assert not [line for line in said(store, "--passwd=false", *words) if "4711" in line]
    assert not [line for line in said(store, "busybox", "cat", "/etc/passwd") if "4711" in line]


def test_entries_of_ones_own(store: Rundlet) -> None:
    lines = said(
        store, "--user", "4711:815", "--passwd-entry", "me:*:$UID:$GID:I:/home:/bin/ash",
        "--group-entry", "we:x:$GID:me", "busybox", "cat", "/etc/passwd", "/etc/group",
    )  # fmt: skip
    assert "me:*:4711:815:I:/home:/bin/ash" in lines
    assert "we:x:815:me" in lines


def test_a_user_of_the_host(store: Rundlet) -> None:
    lines = said(store, "--hostuser", "games", "busybox", "cat", "/etc/passwd")
    assert [line for line in lines if line.startswith("games:*:5:60:")]
    flags = ("--hostuser", "5", "--user", "games", "--group-add", "7,8")
    words = ("-d", "--name", "c", "--network", "none", *flags, "busybox", "sleep", "100")
    store("run", *words)
    for user in (), ("--user", "games"), ("--user", "games:60"):
        assert store("exec", *user, "c", "id", "-un").stdout == "games\n"
        assert store("exec", *user, "c", "id", "-G").stdout == "60 7 8\n"
    done = store("run", "--hostuser", "nobody-here", "busybox", "true", check=False)
    assert done.returncode != 0 and "the host has no such user" in done.stderr


def test_variables_of_the_image_are_merged(store: Rundlet) -> None:
    words = ("--env-merge", "PATH=/opt:${PATH}", "--env-merge", "X=$NONE-$HOSTNAME")
    lines = said(store, *words, "busybox", "env")
    assert [line for line in lines if re.fullmatch(r"PATH=/opt:/.*bin.*", line)]


def test_automatic_user_namespaces_do_not_overlap(store: Rundlet) -> None:
    ranges = []
    for name in ("a", "b"):
        store("run", "-d", "--name", name, "--userns", "auto", "--network", "none",
              "busybox", "sleep", "100")  # fmt: skip
        row = store("exec", name, "cat", "/proc/self/uid_map").stdout.split()
        inside, outside, size = map(int, row)
        assert (inside, size) == (0, 1024)
        assert store("exec", name, "stat", "-c", "%u", "/bin").stdout == "0\n"
        ranges.append(range(outside, outside + size))
    assert not set(ranges[0]) & set(ranges[1])
    store("rm", "-f", "-t", "0", "a")
    store.environment["PODMAN_USERNS"] = "auto:size=400"
    (line, *_) = said(store, "busybox", "cat", "/proc/self/uid_map")
    assert line.split()[2] == "400"
    (line, *_) = said(store, "--uidmap", "0:9:8", "busybox", "cat", "/proc/self/uid_map")
    assert line.split() == ["0", "9", "8"]
    del store.environment["PODMAN_USERNS"]
    again = said(store, "--userns", "auto:size=500", "busybox", "cat", "/proc/self/uid_map")
    assert again[0].split() == ["0", str(ranges[0].start), "500"]


def test_automatic_with_a_mapping_and_a_large_user(store: Rundlet) -> None:
    lines = said(store, "--userns", "auto:size=100,uidmapping=5:4000:1", "busybox",
                 "cat", "/proc/self/uid_map")  # fmt: skip
    rows = [[int(word) for word in line.split()] for line in lines]
    assert [(row[0], row[2]) for row in rows] == [(0, 5), (5, 1), (6, 94)]
    assert rows[1][1] == 4000
    lines = said(
        store, "--userns", "auto", "--user", "3000", "busybox", "cat", "/proc/self/uid_map"
    )
    assert lines[0].split()[2] == "3001"


def test_the_images_working_directory_is_made(store: Rundlet) -> None:
    """It belongs to the container's user, as without a user namespace."""
    store("create", "--name", "a", "--network", "none", "busybox")
    store("commit", "-q", "-c", "WORKDIR=/app/x", "-c", "USER=7", "a", "with")
    words = ("with", "sh", "-c", "pwd; touch made; stat -c %u:%g /app /app/x")
    lines = said(store, "--uidmap=0:100000:1000", *words)
    assert lines == ["/app/x", "0:0", "7:0"]


def test_files_of_the_engine_are_roots(store: Rundlet) -> None:
    """They were the host's root's, whom a container with a user namespace does not know."""
    files = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")
    for how in ("--uidmap=0:100000:1000", "--userns=auto:size=2000"):
        words = ("--network=bridge", "busybox", "stat", "-c", "%u:%g", *files)
        assert store("run", "--rm", how, *words).stdout.split() == ["0:0"] * len(files)


def test_owners_are_users_of_the_container(store: Rundlet, tmp_path: Path) -> None:
    """Of secrets, and of file systems in memory with U."""
    (tmp_path / "value").write_text("hush")
    store("secret", "create", "pw", str(tmp_path / "value"))
    flags = ("--secret", "pw,uid=5,gid=6", "--tmpfs", "/t:U", "--mount", "type=ramfs,dst=/r,U")
    words = (*flags, "-u", "5:6", "busybox", "stat", "-c", "%u:%g", "/run/secrets/pw", "/t")
    for maps in ((), ("--uidmap=0:100000:1000",)):
        assert said(store, *maps, *words) == ["5:6", "5:6"]


def test_the_other_modes(store: Rundlet) -> None:
    (line, *_) = said(store, "--userns", "keep-id", "busybox", "cat", "/proc/self/uid_map")
    assert line.split()[:2] == ["0", "0"]
    for mode, reason in (
        ("nomap", "only supported in rootless mode"),
        ("auto:size=x", "unknown option"),
        ("auto:size=4294967295", "ids are free"),
        ("nonsense", "not supported"),
    ):
        done = store("run", "--rm", "--userns", mode, "busybox", "true", check=False)
        assert done.returncode != 0 and reason in done.stderr, mode
    assert json.loads(store("ps", "-a", "--format", "json").stdout) == []


def test_the_machines_null_device_is_given_to_nobody(store: Rundlet) -> None:
    """crun gives a process its standard streams, whatever they are."""
    words = ("--network=none", "--uidmap=0:7654321:1000", "--name=c", "busybox", "sleep", "100")
    store("run", "-d", "--runtime=crun", *words)
    assert os.stat("/dev/null").st_uid != 7654321
    store("exec", "--user=77", "c", "true")
    assert os.stat("/dev/null").st_uid != 7654321 + 77
    store("rm", "-f", "-t", "0", "c")


@pytest.mark.parametrize("runtime", ["crun", "runc"])
@pytest.mark.parametrize("how", ["--userns=auto:size=2000", "--userns=keep-id", "--uidmap=0:9:80"])
def test_a_network_is_owned_by_the_user_namespace(store: Rundlet, how: str, runtime: str) -> None:
    """So /sys shows the container's interfaces, not the host's; runc refused to start it."""
    words = ("--runtime", runtime, "--network=bridge", "busybox", "ls", "/sys/class/net")
    assert store("run", "--rm", how, *words).stdout.split() == ["eth0", "lo"]


def test_a_foreign_network_in_a_user_namespace(store: Rundlet) -> None:
    """One that is there before has another owner: sysfs cannot be mounted, the host's is shown."""
    store("run", "-d", "--name=base", "--network=none", "busybox", "sleep", "100")
    words = ("--runtime=runc", "--network=container:base", "busybox", "ls", "/sys/class/net")
    assert "lo" in store("run", "--rm", "--userns=auto:size=2000", *words).stdout.split()


def test_named_ranges_that_are_not_there(store: Rundlet) -> None:
    done = store("run", "--rm", "--subuidname", "nobody-here", "busybox", "true", check=False)
    assert done.returncode == 125 and "no ids of 'nobody-here' in /etc/subuid" in done.stderr


@pytest.mark.parametrize("how", ["container:base", "ns:/proc/{pid}/ns/user"])
def test_a_user_namespace_that_is_joined(store: Rundlet, how: str) -> None:
    words = ("--network=none", "busybox")
    store("run", "-d", "--name", "base", "--userns=auto:size=2000", *words, "sleep", "100")
    pid = store("inspect", "-f", "{{.State.Pid}}", "base").stdout.strip()
    script = ("sh", "-c", "cat /proc/self/uid_map; stat -c %u /bin/sh")
    base = store("exec", "base", *script).stdout
    assert store("run", "--rm", "--userns", how.format(pid=pid), *words, *script).stdout == base
    assert base.split()[2:] == ["2000", "0"]


def test_a_mount_with_the_ids_of_the_container(store: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    words = ("--userns=auto:size=2000", "busybox", "stat", "-c", "%u", "/h/mine")
    assert said(store, "-v", f"{tmp_path}:/h:ro", *words) == ["65534"]
    assert said(store, "-v", f"{tmp_path}:/h:ro,idmap", *words) == ["0"]
    one = f"type=bind,src={tmp_path},dst=/h,idmap=uids=@0-7-1;gids=@0-7-1"
    assert said(store, "--mount", one, *words) == ["7"]


def test_a_root_directory_that_is_not_written_to(rundlet: Rundlet, busybox_rootfs: Path) -> None:
    """podman-run(1) --rootfs DIR:O: what was written goes with the container."""
    script = "ls /new; touch /new; stat -c %u /"
    words = ("--network=none", "--rootfs", f"{busybox_rootfs}:O", "sh", "-c", script)
    rundlet("run", "--name", "it", *words)
    assert not (busybox_rootfs / "new").exists()
    assert rundlet("start", "-a", "it").stdout == "/new\n0\n"
    rundlet("cp", "it:/new", f"{busybox_rootfs}/copy")
    assert rundlet("inspect", "-f", "{{.Rootfs}}", "it").stdout == f"{busybox_rootfs}\n"
    rundlet("mount", "it")
    rundlet("rm", "it")
    assert str(rundlet.directory) not in Path("/proc/self/mountinfo").read_text()


def test_a_root_directory_with_other_owners(rundlet: Rundlet, busybox_rootfs: Path) -> None:
    """podman-run(1) --rootfs DIR:idmap: by the container's mapping, or another."""
    words = ("run", "--rm", "--network=none", "--uidmap=0:100000:1000", "--rootfs")
    script = ("sh", "-c", "stat -c %u /bin; touch /new")
    assert rundlet(*words, f"{busybox_rootfs}:idmap", *script).stdout == "0\n"
    assert (busybox_rootfs / "new").stat().st_uid == 0
    given = "idmap=uids=@0-7-1;gids=@0-7-1"
    assert rundlet(*words, f"{busybox_rootfs}:{given}", "stat", "-c", "%u", "/bin").stdout == "7\n"
    for wrong in ("idmap=x=0-1-1", "idmap=uids=0-1", "idmap=uids=@0-5000-1"):
        assert rundlet(*words, f"{busybox_rootfs}:{wrong}", "true", check=False).returncode == 125
