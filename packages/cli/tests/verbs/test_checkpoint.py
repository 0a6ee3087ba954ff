"""`container checkpoint` and `container restore`, by real CRIU through runc."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until

pytestmark = pytest.mark.e2e

COUNT = "i=0; echo mine > /mine; rm /bin/wget; while :; do i=$((i+1)); echo $i; sleep 0.1; done"
PATIENCE = 30.0


@pytest.fixture
def store(criu: None, tmp_path: Path, busybox_archive: Path) -> Iterator[Rundlet]:
    made = Rundlet(tmp_path)
    made("load", "-q", "-i", str(busybox_archive))
    yield made
    made("rm", "-f", "-t", "0", "--all")


def run(store: Rundlet, name: str, *words: str) -> None:
    store("run", "-d", "--runtime", "runc", "--name", name, *words, "busybox", "sh", "-c", COUNT)
    until(lambda: counted(store, name) > 2)


def counted(store: Rundlet, name: str) -> int:
    """The last number that was printed."""
    lines = store("logs", "--tail", "1", name).stdout.split()
    return int(lines[-1]) if lines else 0


def state(store: Rundlet, name: str) -> dict[str, object]:
    (found,) = json.loads(store("inspect", name).stdout)
    document: dict[str, object] = found["State"]
    return document


def address(store: Rundlet, name: str) -> str:
    return store("exec", name, "ip", "-4", "-o", "addr", "show", "eth0").stdout.split()[3]


def test_a_container_goes_on_where_it_was(store: Rundlet) -> None:
    run(store, "web")
    had = address(store, "web")
    told = json.loads(store("container", "checkpoint", "--print-stats", "web").stdout)
    assert told["container_statistics"][0]["criu_statistics"]["pages_written"] > 0
    stopped = counted(store, "web")
    found = state(store, "web")
    assert (found["Status"], found["Checkpointed"]) == ("exited", True)
    again = store("container", "checkpoint", "web", check=False)
    assert again.returncode == 125 and "only running containers" in again.stderr
    assert store("container", "restore", "--all").stdout.strip()
    until(lambda: counted(store, "web") > stopped)
    assert counted(store, "web") < stopped + 200, "it did not begin again"
    assert address(store, "web") == had
    found = state(store, "web")
    assert (found["Status"], found["Restored"]) == ("running", True)
    assert "Checkpointed" not in found, "the files are gone"
    again = store("container", "restore", "web", check=False)
    assert again.returncode == 125 and "has no checkpoint" in again.stderr


def test_an_archive_makes_a_container_on_another_node(
    store: Rundlet, tmp_path: Path, busybox_archive: Path
) -> None:
    archive = tmp_path / "web.tar.gz"
    run(store, "web", "-v", "kept:/kept")
    store("exec", "web", "sh", "-c", "echo data > /kept/file")
    words = ("--export", str(archive), "--compress", "gzip")
    store("container", "checkpoint", *words, "-R", "web")
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert {"config.dump", "spec.dump", "rootfs-diff.tar", "deleted.files"} < set(names)
        assert "volumes/kept.tar" in names and "checkpoint/inventory.img" in names
        deleted = json.load(tar.extractfile("deleted.files"))  # type: ignore[arg-type]
        assert deleted == ["/bin/wget"]
    at_least = counted(store, "web") - 50
    other = Rundlet(tmp_path / "other")
    other("load", "-q", "-i", str(busybox_archive))
    try:
        made = other("container", "restore", "--import", str(archive), "-n", "copy").stdout.strip()
        until(lambda: counted(other, "copy") > max(2, at_least))
        assert other("inspect", "--format", "{{.Id}}", "copy").stdout.strip() == made
        said = other("exec", "copy", "sh", "-c", "cat /mine /kept/file; test ! -e /bin/wget")
        assert said.stdout == "mine\ndata\n"
        had = store("inspect", "--format", "{{.Id}}", "web").stdout
        assert made != had.strip(), "another name, another id"
        words = ("restore", "--import", str(archive), "--ignore-volumes")
        assert other("container", *words).stdout == had, "it is the same container"
        again = other("container", *words, check=False)
        assert again.returncode == 125 and "already" in again.stderr
    finally:
        other("rm", "-f", "-t", "0", "--all")
    assert state(store, "web")["Status"] == "running", "it was left running"


def test_what_cannot_be_is_refused(store: Rundlet, tmp_path: Path) -> None:
    store("run", "-d", "--rm", "--runtime", "runc", "--name", "web", "busybox", "sleep", "60")
    for words, reason in (
        (("checkpoint", "web"), "unless '--export' is used"),
        (("checkpoint", "--ignore-rootfs", "web"), "only be used with --export"),
        (("restore", "--name", "x", "web"), "only be used with --import"),
        (("restore", "--import", "/etc/passwd"), "passwd"),
        (("restore", "--import", str(tmp_path / "none")), "No such file"),
    ):
        done = store("container", *words, check=False)
        assert done.returncode == 125 and reason in done.stderr, done.stderr
    empty = tmp_path / "empty.tar"
    with tarfile.open(empty, "w"):
        pass
    done = store("container", "restore", "-i", str(empty), check=False)
    assert "no archive of a checkpoint" in done.stderr
    assert store("ps", "-aq").stdout.split() and state(store, "web")["Status"] == "running"


def test_what_a_killed_import_left_goes_with_the_next(store: Rundlet, tmp_path: Path) -> None:
    left = tmp_path / "root/checkpoints/staging/left"
    left.mkdir(parents=True)
    (left / "memory").write_bytes(b"of processes")
    empty = tmp_path / "empty.tar"
    with tarfile.open(empty, "w"):
        pass
    store("container", "restore", "-i", str(empty), check=False)
    assert not list(left.parent.iterdir())
    assert store("system", "check").returncode == 0
