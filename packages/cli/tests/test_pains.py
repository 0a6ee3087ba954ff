"""What users of the originals complain of (research.md, part 2): a test for each pain."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.dying import killed_at

if TYPE_CHECKING:
    from devtools.tool import Rundlet

LIMIT = 5.0  # seconds for what must not wait: generous, a hang is minutes


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


@pytest.fixture
def running(store: Rundlet) -> Rundlet:
    store("run", "-d", "--network", "none", "--name", "c", "busybox", "sleep", "300")
    return store


def started(rundlet: Rundlet, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["rundlet", *words],
        env=rundlet.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@contextmanager
def without_locks(rundlet: Rundlet) -> Iterator[None]:
    """Whoever takes a lock fails: a file is where the directory of locks was."""
    locks = rundlet.directory / "run/locks"
    shutil.rmtree(locks, ignore_errors=True)
    locks.touch()
    try:
        yield
    finally:
        locks.unlink()


@contextmanager
def writing(rundlet: Rundlet) -> Iterator[None]:
    """Another process in the middle of a transaction."""
    path = rundlet.directory / "root/state.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO settings VALUES ('x', 'y')")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


# --- commands that wait for each other


@pytest.mark.parametrize(
    "verb",
    ["ps -a", "images", "inspect c", "volume ls", "network ls", "logs c", "port c", "system df"],
)
def test_lists_do_not_hang_behind_others(running: Rundlet, verb: str) -> None:
    """Neither behind one that writes, nor behind one that has whatever lock."""
    with writing(running), without_locks(running):
        process = started(running, *verb.split())
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, b"")
    assert out or verb in ("volume ls", "logs c", "port c")


def stopping(store: Rundlet) -> subprocess.Popen[bytes]:
    """A `stop` that waits for a container "deaf", which says that it was asked and goes on."""
    script = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done"
    store("run", "-d", "--network", "none", "--name", "deaf", "busybox", "sh", "-c", script)
    said(store, "ready")
    stop = started(store, "stop", "-t", "60", "deaf")
    said(store, "asked")
    return stop


def said(store: Rundlet, word: str) -> None:
    """Wait until the container "deaf" has said something."""
    deadline = time.monotonic() + 60
    while word not in store("logs", "deaf").stdout:
        assert time.monotonic() < deadline


def test_ps_does_not_hang_behind_a_stop(store: Rundlet) -> None:
    """A container that ignores its stop signal keeps `stop` busy, and nobody else."""
    stop = stopping(store)
    try:
        for words in (("ps",), ("inspect", "deaf"), ("logs", "deaf"), ("exec", "deaf", "true")):
            process = started(store, *words)
            process.communicate(timeout=LIMIT)
            assert process.returncode == 0, words
        assert stop.poll() is None
    finally:
        stop.kill()
        stop.communicate()


def test_no_container_is_stuck_in_stopping(store: Rundlet) -> None:
    """`stop` was killed half-way: the container can be stopped, killed and removed."""
    stop = stopping(store)
    stop.kill()
    stop.communicate()
    store("stop", "-t", "0", "deaf")
    assert store("inspect", "-f", "{{.State.Status}}", "deaf").stdout == "exited\n"
    store("start", "deaf")
    store("rm", "-f", "-t", "0", "deaf")


def test_locks_have_no_numbers_to_run_out_of(running: Rundlet) -> None:
    """podman has 2048 of them, and a deadlock where two containers share one: ours are files that
    go with their holder."""
    locks = running.directory / "run/locks"
    assert os.listdir(locks) == []  # after a start
    running("rm", "-f", "-t", "0", "c")
    assert os.listdir(locks) == []


# --- exec


def test_exec_loses_nothing_of_100_mb(running: Rundlet) -> None:
    process = started(running, "exec", "c", "dd", "if=/dev/zero", "bs=1M", "count=100")
    digest, size = hashlib.sha256(), 0
    assert process.stdout is not None
    while data := process.stdout.read(1 << 20):
        digest.update(data)
        size += len(data)
    process.communicate(timeout=LIMIT)
    assert (process.returncode, size) == (0, 100 << 20)
    assert digest.hexdigest() == hashlib.sha256(bytes(100 << 20)).hexdigest()


def test_exec_ends_when_nobody_reads(running: Rundlet) -> None:
    """`exec ... | head -1`: the reader goes, and the command does not hang."""
    process = started(running, "exec", "c", "yes")
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    process.wait(timeout=LIMIT)
    process.communicate()


def test_exec_hears_that_its_input_has_ended(running: Rundlet) -> None:
    process = started(running, "exec", "-i", "c", "sh", "-c", "cat; echo end")
    out, err = process.communicate(b"x" * 1_000_000, timeout=LIMIT)
    assert (process.returncode, err) == (0, b"")
    assert out == b"x" * 1_000_000 + b"end\n"


def test_exec_does_not_wait_for_input_that_nobody_gives(running: Rundlet) -> None:
    process = started(running, "exec", "-i", "c", "echo", "done")
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    process.wait(timeout=LIMIT)
    process.communicate()


# --- info


def test_info_starts_few_programs(store: Rundlet, tmp_path: Path) -> None:
    """podman's takes 340 ms, most of it in programs that it asks for their versions."""
    store("info")
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=execve", "-o", str(trace), "rundlet", "info"]
    subprocess.run(command, env=store.environment, stdout=subprocess.DEVNULL, check=True)
    lines = [line for line in trace.read_text().splitlines() if "execve(" in line]
    programs = [line.split('"')[1].rpartition("/")[2] for line in lines if line.endswith("= 0")]
    started = [name for name in programs if name not in ("rundlet", "python3", "readlink")]
    # dpkg-query twice (podman's Package fields), conmon for its version; no runtime, no helper
    assert len(started) <= 3, started


# --- killed at a bad time


@pytest.fixture
def bridged(store: Rundlet, tmp_path: Path) -> Iterator[Rundlet]:
    """Its networks are in a namespace of their own, its leases below `tmp_path/leases`."""
    from rundlet.core.testing.network import isolated_host

    settings = tmp_path / "rundlet.toml"
    settings.write_text(f'[plugins.cni]\ndata_dir = "{tmp_path}/leases"\n')
    store.environment["RUNDLET_CONF"] = str(settings)
    with isolated_host():
        yield store
        store("rm", "-a", "-f", "-t", "0")


def leases(rundlet: Rundlet) -> list[str]:
    """The addresses of the default network that are taken."""
    return [name for name in os.listdir(rundlet.directory / "leases/podman") if name[0].isdigit()]


@pytest.mark.parametrize(
    ("at", "call"),
    [
        ("rundlet.core.containers.network:_note", 2),  # the first one is before it is attached
        ("rundlet.core.containers.initialize:_note_created", 1),
        ("rundlet.core.containers.start:_note_started", 1),
    ],
)
def test_leases_of_a_killed_run_are_used_again(bridged: Rundlet, at: str, call: int) -> None:
    words = ("run", "-d", "--name", "c", "busybox", "sleep", "300")
    killed_at(at, *words, call=call, environment=bridged.environment)
    assert len(leases(bridged)) == 1
    bridged("restart", "-t", "0", "c")
    assert len(leases(bridged)) == 1
    killed_at("rundlet.core.containers.stop:cleaned", "stop", "-t", "0", "c",
              environment=bridged.environment)  # fmt: skip
    bridged("rm", "-f", "-t", "0", "c")
    assert leases(bridged) == []


def test_leases_of_a_killed_removal_are_used_again(bridged: Rundlet) -> None:
    """The next container that is made finishes it."""
    environment = bridged.environment
    words = ("run", "-d", "--name", "c", "busybox", "sleep", "300")
    killed_at("rundlet.core.containers.files:write", *words, environment=environment)
    killed_at("rundlet.core.containers.remove:release", "rm", "c", environment=environment)
    assert len(leases(bridged)) == 1
    bridged("create", "--name", "c", "busybox")
    assert leases(bridged) == []


def test_a_killed_exec_is_no_session_for_ever(store: Rundlet) -> None:
    store("run", "-d", "--name", "c", "--network=none", "busybox", "sleep", "300")
    killed_at("rundlet.core.containers.exec:_launch", "exec", "c", "true",
              environment=store.environment)  # fmt: skip
    (found,) = json.loads(store("inspect", "c").stdout)
    assert found["ExecIDs"] == []
    store("exec", "c", "true")
    assert os.listdir(store.directory / "run/containers" / found["Id"] / "exec") == []


def test_a_killed_removal_by_rm_is_finished_by_the_next_command(store: Rundlet) -> None:
    """Its layer is gone: nobody could start it or have its files."""
    words = ("run", "--rm", "--name", "c", "--network=none", "busybox", "sh", "-c", "exit 3")
    killed_at("rundlet.core.containers.remove:remove_tree", *words, environment=store.environment)
    assert store("wait", "c").stdout == "3\n"
    store("create", "--name", "c", "--network=none", "busybox")


def test_who_waits_for_one_that_is_being_removed_has_its_code(store: Rundlet) -> None:
    store("run", "-d", "--name", "c", "--network=none", "busybox", "sleep", "300")
    words = ("rm", "-f", "-t", "0", "c")
    killed_at("rundlet.core.containers.remove:release", *words, environment=store.environment)
    assert store("wait", "c").stdout == "137\n"


# --- what the others leave to systemd, or to nobody


def test_published_ports_come_back_after_a_firewall_reload(bridged: Rundlet) -> None:
    from rundlet.core.testing.network import rules

    bridged("run", "-d", "--name", "c", "-p", "8000:80", "busybox", "sleep", "300")
    before = sorted(rule for rule in rules() if "-A" in rule)
    for words in ("-t nat -F", "-t nat -X", "-F", "-X"):
        subprocess.run(["iptables", *words.split()], check=True)
    bridged("network", "reload", "-a")
    assert sorted(rule for rule in rules() if "-A" in rule) == before


def test_healthchecks_run_without_systemd(store: Rundlet) -> None:
    words = ("--health-cmd", "test -e /sound", "--health-interval", "1s", "--health-retries", "1")
    store("run", "-d", "--network=none", "--name", "c", *words, "busybox", "sleep", "300")
    store("wait", "--condition=unhealthy", "c")
    store("exec", "c", "touch", "/sound")
    store("wait", "--condition=healthy", "c")


def test_logs_rotate_by_size_and_count_and_lose_no_line(store: Rundlet) -> None:
    lines = 2000
    script = (
        f"i=0; while [ $i -lt {lines} ]; do echo line $i xxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1));"
        " [ $((i%250)) = 0 ] && sleep 0.3; done; true"
    )
    flags = ("--log-opt", "max-size=20k", "--log-opt", "max-file=50")
    store("run", "-d", "--name", "c", "--network=none", *flags, "busybox", "sh", "-c", script)
    followed = store("logs", "-f", "c").stdout.splitlines()
    assert [int(line.split()[1]) for line in followed] == list(range(lines))
    assert store("logs", "c").stdout.splitlines() == followed
    assert store("logs", "--tail", "1500", "c").stdout.splitlines() == followed[-1500:]
    assert len(list(store.directory.glob("root/containers/*/ctr.log*"))) > 1
    store("rm", "c")
    assert list(store.directory.glob("root/containers/*")) == []
