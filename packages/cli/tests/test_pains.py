"""What users of the originals complain of (research.md, part 2): a test for each pain."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


@pytest.mark.parametrize("verb", ["ps -a", "images", "inspect c", "volume ls", "system df"])
def test_lists_do_not_hang_behind_a_writer(running: Rundlet, verb: str) -> None:
    with writing(running):
        process = started(running, *verb.split())
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, b"")
    assert out or verb == "volume ls"


def test_ps_does_not_hang_behind_a_stop(store: Rundlet) -> None:
    """A container that ignores its stop signal keeps `stop` busy, and nobody else."""
    ignoring = "trap '' TERM; while :; do sleep 0.1; done"
    store("run", "-d", "--network", "none", "--name", "deaf", "busybox", "sh", "-c", ignoring)
    stop = started(store, "stop", "-t", "60", "deaf")
    try:
        time.sleep(0.5)
        for words in (("ps",), ("inspect", "deaf"), ("logs", "deaf"), ("exec", "deaf", "true")):
            process = started(store, *words)
            process.communicate(timeout=LIMIT)
            assert process.returncode == 0, words
    finally:
        stop.kill()
        stop.communicate()


def test_no_container_is_stuck_in_stopping(store: Rundlet) -> None:
    """`stop` was killed half-way: the container can be stopped, killed and removed."""
    ignoring = "trap '' TERM; while :; do sleep 0.1; done"
    store("run", "-d", "--network", "none", "--name", "deaf", "busybox", "sh", "-c", ignoring)
    stop = started(store, "stop", "-t", "60", "deaf")
    time.sleep(0.5)
    stop.kill()
    stop.communicate()
    store("stop", "-t", "0", "deaf")
    assert store("inspect", "-f", "{{.State.Status}}", "deaf").stdout == "exited\n"
    store("start", "deaf")
    store("rm", "-f", "-t", "0", "deaf")


def test_locks_have_no_numbers_to_run_out_of(store: Rundlet) -> None:
    """podman has 2048 of them, and a deadlock where two containers share one."""
    for number in range(5):
        store("create", "--network", "none", "--name", f"c{number}", "busybox")
    locks = store.directory / "run/locks"
    assert not locks.exists() or os.listdir(locks) == []


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


def test_leases_of_a_killed_run_are_used_again(store: Rundlet, tmp_path: Path) -> None:
    from rundlet.core.testing.network import isolated_host

    settings = tmp_path / "rundlet.toml"
    settings.write_text(f'[plugins.cni]\ndata_dir = "{tmp_path}/leases"\n')
    store.environment["RUNDLET_CONF"] = str(settings)
    with isolated_host():
        for delay in (0.05, 0.08, 0.1, 0.12, 0.15, 0.2):
            process = started(store, "run", "--rm", "busybox", "sleep", "300")
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        store("rm", "-a", "-f", "-t", "0")
        store("run", "--rm", "busybox", "true")
        store("system", "check", "--repair")
        leases = tmp_path / "leases/podman"
        assert [name for name in os.listdir(leases) if name[0].isdigit()] == []
        assert json.loads(store("ps", "-a", "--format", "json").stdout) == []


# --- what the others leave to systemd, or to nobody


def test_published_ports_come_back_after_a_firewall_reload(store: Rundlet, tmp_path: Path) -> None:
    from rundlet.core.testing.network import isolated_host, rules

    settings = tmp_path / "rundlet.toml"
    settings.write_text(f'[plugins.cni]\ndata_dir = "{tmp_path}/leases"\n')
    store.environment["RUNDLET_CONF"] = str(settings)
    with isolated_host():
        store("run", "-d", "--name", "c", "-p", "8000:80", "busybox", "sleep", "300")
        before = sorted(rule for rule in rules() if "-A" in rule)
        for words in ("-t nat -F", "-t nat -X", "-F", "-X"):
            subprocess.run(["iptables", *words.split()], check=True)
        store("network", "reload", "-a")
        assert sorted(rule for rule in rules() if "-A" in rule) == before
        store("rm", "-f", "-t", "0", "c")


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
