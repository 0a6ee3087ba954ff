"""Containers without cgroups of their own: `--cgroups=disabled`."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools.tool import Rundlet


@pytest.fixture
def loaded(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    rundlet("load", "-q", "-i", str(busybox_archive))
    return rundlet


WORDS = ("--runtime=crun", "--network=none", "--cgroups=disabled")


def test_it_stays_in_our_cgroups_and_what_needs_none_works(loaded: Rundlet) -> None:
    loaded("run", "-d", "--name=c", *WORDS, "busybox", "sh", "-c", "sleep 98 & sleep 99")
    pid = loaded("inspect", "-f", "{{.State.Pid}}", "c").stdout.strip()
    assert Path(f"/proc/{pid}/cgroup").read_text() == Path("/proc/self/cgroup").read_text()
    assert loaded("inspect", "-f", "{{.HostConfig.Cgroups}}", "c").stdout == "disabled\n"
    assert loaded("exec", "c", "echo", "hello").stdout == "hello\n"
    processes = loaded("top", "c", "args").stdout.split("\n")
    assert {"sleep 98", "sleep 99"} <= set(processes) and len(processes) <= 5
    for words in (("pause", "c"), ("stats", "--no-stream", "c"), ("update", "-m", "64m", "c")):
        done = loaded(*words, check=False)
        assert (done.returncode, "does not have a cgroup" in done.stderr) == (125, True), words
    assert loaded("stats", "--no-stream", "--format", "{{.Name}} {{.PIDS}}").stdout == "c --\n"
    loaded("stop", "-t", "0", "c")
    loaded("start", "c")
    loaded("kill", "c")
    assert loaded("wait", "c").stdout == "137\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((*WORDS, "--memory=64m"), "cannot specify resource limits with cgroups disabled"),
        ((*WORDS, "--pids-limit=9"), "cannot specify resource limits with cgroups disabled"),
        ((*WORDS, "--pid=host"), "must create a private PID namespace"),
        ((*WORDS, "--cgroup-parent=/x"), "cannot set cgroup parent if not creating cgroups"),
        ((*WORDS, "--cgroupns=private"), "conflicts with --cgroupns"),
        ((*WORDS, "--runtime=runc"), "use --runtime crun"),
        (("--cgroups=split",), "use enabled, no-conmon or disabled"),
    ],
)
def test_what_cannot_be_without_a_cgroup(loaded: Rundlet, words: tuple[str, ...], why: str) -> None:
    done = loaded("create", *words, "busybox", "true", check=False)
    assert (done.returncode, why in done.stderr) == (125, True), done.stderr
    assert loaded("ps", "-aq").stdout == ""
