"""Restart policies, by the exit command: no daemon, nothing of ours runs beside conmon."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until


def state(tool: Rundlet, name: str) -> tuple[str, int, int]:
    """Status, exit code, restart count."""
    found = json.loads(tool("inspect", name).stdout)[0]
    return found["State"]["Status"], found["State"]["ExitCode"], found["RestartCount"]


def start(tool: Rundlet, policy: str, script: str, name: str = "c") -> None:
    tool("run", "-d", "--name", name, "--network=none", "--restart", policy, "busybox", "sh", "-c",
         script)  # fmt: skip


def test_on_failure_tries_as_often_as_it_may(loaded: Rundlet) -> None:
    start(loaded, "on-failure:2", "exit 3")
    until(lambda: state(loaded, "c") == ("exited", 3, 2))
    time.sleep(0.7)
    assert state(loaded, "c") == ("exited", 3, 2)
    loaded("start", "c")
    until(lambda: state(loaded, "c")[2] == 2)  # counted anew


def test_on_failure_leaves_what_went_well(loaded: Rundlet) -> None:
    start(loaded, "on-failure", "exit 0")
    loaded("wait", "c")
    time.sleep(0.5)
    assert state(loaded, "c") == ("exited", 0, 0)


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_always_also_after_success_until_it_is_stopped(loaded: Rundlet, policy: str) -> None:
    start(loaded, policy, "test -e /again && exec sleep 100; touch /again")
    until(lambda: state(loaded, "c")[0] == "running" and state(loaded, "c")[2] == 1)
    loaded("stop", "-t", "0", "c")
    time.sleep(0.5)
    assert state(loaded, "c")[0] == "exited"
    loaded("start", "c")
    assert state(loaded, "c") == ("running", 0, 0)
    loaded("kill", "c")
    until(lambda: state(loaded, "c")[0] == "exited")
    time.sleep(0.5)
    assert state(loaded, "c") == ("exited", 137, 0)


def test_a_killed_process_is_started_again(loaded: Rundlet) -> None:
    start(loaded, "always", "exec sleep 100")
    pid = int(json.loads(loaded("inspect", "c").stdout)[0]["State"]["Pid"])
    os.kill(pid, 9)
    until(lambda: state(loaded, "c")[::2] == ("running", 1))
    actions = loaded("events", "--stream=false", "--format", "{{.Status}}").stdout.split()
    assert actions.count("restart") == 1


def test_a_restart_knows_the_flags_of_its_start(loaded: Rundlet, tmp_path: Path) -> None:
    """Its network is in no directory that the machine's settings name."""
    flags = ("--network-config-dir", str(tmp_path / "nets"))
    subnet = f"10.{133 + os.getpid() % 100}.{os.getpid() // 100 % 256}.0/29"
    loaded(*flags, "network", "create", "--subnet", subnet, "apart")
    run = ("run", "-d", "--name", "c", "--network", "apart", "--restart", "on-failure:2")
    loaded(*flags, *run, "busybox", "false")
    until(lambda: state(loaded, "c") == ("exited", 1, 2))
    loaded(*flags, "rm", "c")
    loaded(*flags, "network", "rm", "apart")


def test_stop_and_rm_win_against_a_container_that_fails_at_once(loaded: Rundlet) -> None:
    """containers stuck in "stopping": with podman, restarting ones could not be removed."""
    start(loaded, "always", "exit 1")
    until(lambda: state(loaded, "c")[2] >= 2)
    loaded("stop", "-t", "0", "c")
    count = state(loaded, "c")[2]
    time.sleep(1)
    assert state(loaded, "c")[::2] == ("exited", count)
    start(loaded, "always", "exit 1", "d")
    loaded("rm", "-f", "-t", "0", "d")
    time.sleep(0.5)
    assert loaded("ps", "-a", "--format", "{{.Names}}").stdout == "c\n"


def test_stop_wins_against_a_restart_that_has_begun(loaded: Rundlet, tmp_path: Path) -> None:
    """The mark that it is to be stopped was forgotten when the start was through."""
    runtime, starts = tmp_path / "runc", tmp_path / "starts"
    marks = f"{loaded.directory}/root/containers/*/stopped"
    patient = f"for i in $(seq 600); do ls {marks} && break; sleep 0.05; done >/dev/null 2>&1"
    second = f"[ $(wc -l < {starts}) = 1 ] || {patient}"
    script = f'case " $* " in *" start "*) echo >> {starts}; {second};; esac'
    runtime.write_text(f'#!/bin/sh\n{script}\nexec {shutil.which("runc")} "$@"\n')
    runtime.chmod(0o755)
    loaded("run", "-d", "--name=c", f"--runtime={runtime}", "--network=none", "--restart=always",
           "busybox", "sh", "-c", "exit 1")  # fmt: skip
    until(lambda: len(starts.read_text()) == 2)  # it is about to run for the second time
    loaded("stop", "-t", "0", "c")
    time.sleep(1)
    assert (state(loaded, "c")[0], len(starts.read_text())) == ("exited", 2)


def test_in_the_foreground_the_first_end_is_told(loaded: Rundlet) -> None:
    words = ("run", "--name", "c", "--network=none", "--restart=on-failure:1", "busybox")
    done = loaded(*words, "sh", "-c", "echo out; exit 4", check=False)
    assert (done.returncode, done.stdout) == (4, "out\n")
    until(lambda: state(loaded, "c") == ("exited", 4, 1))


def test_update_changes_the_policy(loaded: Rundlet) -> None:
    start(loaded, "no", "until test -e /go; do sleep 0.05; done; exit 1")
    loaded("update", "--restart", "on-failure:1", "c")
    loaded("exec", "c", "touch", "/go")
    until(lambda: state(loaded, "c") == ("exited", 1, 1))


@pytest.mark.parametrize("policy", ["sometimes", "always:3", "on-failure:x"])
def test_wrong_policy(loaded: Rundlet, policy: str) -> None:
    done = loaded("create", "--restart", policy, "busybox", "true", check=False)
    assert (done.returncode, "invalid restart policy" in done.stderr) == (125, True)
    assert loaded("ps", "-aq").stdout == ""


def test_not_together_with_rm(loaded: Rundlet) -> None:
    done = loaded("run", "--rm", "--restart=always", "busybox", "true", check=False)
    assert (done.returncode, "conflicts" in done.stderr) == (125, True)
