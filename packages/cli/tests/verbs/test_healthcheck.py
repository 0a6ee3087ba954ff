"""Healthchecks: run by hand and by the container's timer, and what is done about them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until

pytestmark = pytest.mark.e2e
RUN = ("run", "-d", "--name", "c", "--network", "none")


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


def health(store: Rundlet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store("inspect", "c").stdout)[0]["State"]["Health"]
    return found


def status(store: Rundlet, wanted: str) -> None:
    """Wait for a status of health."""
    until(lambda: health(store)["Status"] == wanted, lambda: str(health(store)))


def timers(store: Rundlet) -> list[str]:
    """Processes that check containers of this store, without the forks that they check in."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if "health.timer" in words and str(store.directory) in words:
            parents[entry.name] = parent
    return [pid for pid, parent in parents.items() if parent not in parents]


def test_by_hand(store: Rundlet) -> None:
    check = (
        "--health-cmd",
        "test -e /ok || { echo no ok; false; }",
        "--health-interval",
        "disable",
    )
    store(*RUN, *check, "--health-retries", "2", "busybox", "sleep", "100")
    assert (health(store)["Status"], timers(store)) == ("starting", [])
    done = store("healthcheck", "run", "c", check=False)
    assert (done.returncode, done.stdout) == (1, "unhealthy\n")
    assert (health(store)["Status"], health(store)["FailingStreak"]) == ("starting", 1)
    done = store("healthcheck", "run", "--ignore-result", "c", check=False)
    assert (done.returncode, done.stdout) == (0, "unhealthy\n")
    found = health(store)
    assert (found["Status"], found["FailingStreak"]) == ("unhealthy", 2)
    assert [(one["ExitCode"], one["Output"]) for one in found["Log"]] == [(1, "no ok\n")] * 2
    assert store("ps", "--filter", "health=unhealthy", "-q").stdout
    store("exec", "c", "touch", "/ok")
    done = store("healthcheck", "run", "c")
    assert (done.returncode, done.stdout) == (0, "")
    assert (health(store)["Status"], health(store)["FailingStreak"]) == ("healthy", 0)
    assert "(healthy)" in store("ps").stdout


def test_what_cannot_be_checked(store: Rundlet) -> None:
    store(*RUN, "busybox", "true")
    done = store("healthcheck", "run", "c", check=False)
    assert done.returncode == 125 and "has no defined healthcheck" in done.stderr
    store("create", "--name", "d", "--health-cmd", "true", "busybox")
    done = store("healthcheck", "run", "d", check=False)
    assert done.returncode == 125 and "is not running" in done.stderr
    assert store("healthcheck", "run", "nobody", check=False).returncode == 125
    for words, reason in (
        (("--health-on-failure", "kill"), "without a health check"),
        (("--health-interval", "5s"), "need --health-cmd"),
        (("--health-cmd", "true", "--health-retries", "0"), "greater than 0"),
        (("--health-startup-retries", "2"), "need --health-startup-cmd"),
        (("--no-healthcheck", "--health-cmd", "true"), "cannot specify both"),
    ):
        done = store("create", *words, "busybox", check=False)
        assert done.returncode == 125 and reason in done.stderr, words


def test_the_timer_checks_until_the_container_ends(store: Rundlet) -> None:
    check = (
        "--health-cmd",
        "test ! -e /bad",
        "--health-interval",
        "300ms",
        "--health-retries",
        "2",
    )
    store(*RUN, *check, "busybox", "sleep", "100")
    status(store, "healthy")
    assert len(timers(store)) == 1
    store("exec", "c", "touch", "/bad")
    status(store, "unhealthy")
    store("exec", "c", "rm", "/bad")
    status(store, "healthy")
    assert len(health(store)["Log"]) <= 5
    events = store("events", "--stream=false", "--filter", "event=health_status").stdout
    assert "health_status" in events
    store("stop", "-t", "0", "c")
    until(lambda: not timers(store))
    store("start", "c")
    status(store, "healthy")


def test_a_check_that_hangs_is_ended(store: Rundlet) -> None:
    check = ("--health-cmd", "echo begun; sleep 50", "--health-timeout", "1s")
    store(*RUN, *check, "--health-interval", "disable", "busybox", "sleep", "100")
    assert store("healthcheck", "run", "c", check=False).returncode == 1
    (attempt,) = health(store)["Log"]
    assert attempt["ExitCode"] == -1
    assert "exceeded timeout of 1s" in attempt["Output"]


@pytest.mark.parametrize(("action", "state"), [("kill", 137), ("stop", 0)])
def test_actions_that_end(store: Rundlet, action: str, state: int) -> None:
    check = ("--health-cmd", "false", "--health-interval", "200ms", "--health-retries", "1")
    command = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    store(*RUN, *check, "--health-on-failure", action, "busybox", *command)
    assert store("wait", "c").stdout == f"{state}\n"
    until(lambda: not timers(store))
    assert health(store)["Status"] == "unhealthy"


def test_an_unhealthy_container_is_restarted(store: Rundlet) -> None:
    check = ("--health-cmd", "test ! -e /tmp/bad", "--health-interval", "200ms")
    command = ("sh", "-c", "rm -f /tmp/bad; sleep 100")
    store(*RUN, *check, "--health-retries", "1", "--health-on-failure", "restart",
          "--stop-timeout", "0", "busybox", *command)  # fmt: skip
    status(store, "healthy")
    pid = store("inspect", "-f", "{{.State.Pid}}", "c").stdout
    store("exec", "c", "touch", "/tmp/bad")
    until(lambda: store("inspect", "-f", "{{.State.Pid}}", "c").stdout not in (pid, "0\n"))
    status(store, "healthy")
    until(lambda: len(timers(store)) == 1)
    assert store("inspect", "-f", "{{.RestartCount}}", "c").stdout == "1\n"
    store("restart", "-t", "0", "c")
    assert store("inspect", "-f", "{{.RestartCount}}", "c").stdout == "0\n"


def test_the_startup_check_comes_first(store: Rundlet) -> None:
    words = ("--health-cmd", "echo regular", "--health-interval", "200ms",
             "--health-startup-cmd", "test -e /up", "--health-startup-interval", "200ms",
             "--health-startup-success", "2")  # fmt: skip
    store(*RUN, *words, "busybox", "sleep", "100")
    time.sleep(1)
    assert health(store)["Status"] == "starting"
    store("exec", "c", "touch", "/up")
    status(store, "healthy")
    assert health(store)["Log"][-1]["Output"] == "regular\n"


def test_the_start_period_forgives(store: Rundlet) -> None:
    check = ("--health-cmd", "false", "--health-interval", "disable", "--health-retries", "1")
    store(*RUN, *check, "--health-start-period", "60s", "busybox", "sleep", "100")
    store("healthcheck", "run", "c", check=False)
    assert (health(store)["Status"], health(store)["FailingStreak"]) == ("starting", 0)


def test_logs_have_limits_and_a_place(store: Rundlet, tmp_path: Path) -> None:
    check = ("--health-cmd", "echo 0123456789", "--health-interval", "disable")
    limits = ("--health-max-log-count", "2", "--health-max-log-size", "4")
    place = ("--health-log-destination", str(tmp_path))
    store(*RUN, *check, *limits, *place, "busybox", "sleep", "100")
    for _ in range(3):
        store("healthcheck", "run", "c")
    assert [one["Output"] for one in health(store)["Log"]] == ["0123", "0123"]
    assert len(list(tmp_path.glob("*-healthcheck.log"))) == 1


def test_the_image_has_one(store: Rundlet) -> None:
    check = ("--health-cmd", "test -e /bin", "--health-interval", "300ms")
    store("create", "--name", "base", *check, "busybox", "sleep", "100")
    store("commit", "-q", "-f", "docker", "base", "checked")
    store(*RUN, "checked")
    status(store, "healthy")
    store("rm", "-f", "-t", "0", "c")
    store(*RUN, "--no-healthcheck", "checked")
    assert health(store)["Status"] == ""
    store("rm", "-f", "-t", "0", "c")
    store(*RUN, "--health-interval", "disable", "checked")
    assert (health(store)["Status"], timers(store)) == ("starting", [])
