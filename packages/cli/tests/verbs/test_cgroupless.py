"""Containers without cgroups of their own: `--cgroups=disabled`; and in a part of ours: `split`."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from devtools.waiting import until
from rundlet.core.cgroups.layout import hierarchies

WORDS = ("--runtime=crun", "--network=none", "--cgroups=disabled")


def test_it_stays_in_our_cgroups_and_what_needs_none_works(loaded: Rundlet) -> None:
    loaded("run", "-d", "--name=c", *WORDS, "busybox", "sh", "-c", "sleep 98 & sleep 99")
    pid = loaded("inspect", "-f", "{{.State.Pid}}", "c").stdout.strip()
    assert Path(f"/proc/{pid}/cgroup").read_text() == Path("/proc/self/cgroup").read_text()
    assert loaded("inspect", "-f", "{{.HostConfig.Cgroups}}", "c").stdout == "disabled\n"
    assert loaded("exec", "c", "echo", "hello").stdout == "hello\n"

    def processes() -> list[str]:
        return loaded("top", "c", "args").stdout.split("\n")

    until(lambda: {"sleep 98", "sleep 99"} <= set(processes()))
    assert len(processes()) <= 5
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
        (("--cgroups=some",), "use enabled, no-conmon, split or disabled"),
        (("--cgroups=split", "--cgroup-parent=/x"), "with a cgroup parent"),
    ],
)
def test_what_cannot_be_without_a_cgroup(loaded: Rundlet, words: tuple[str, ...], why: str) -> None:
    done = loaded("create", *words, "busybox", "true", check=False)
    assert (done.returncode, why in done.stderr) == (125, True), done.stderr
    assert loaded("ps", "-aq").stdout == ""


@pytest.fixture
def cgroup() -> Iterator[list[Path]]:
    """A cgroup of v1 for a command, in all hierarchies, lest one that is not ours is split.

    But for that of cpuset, where a new cgroup takes no processes: runtimes make the path there.
    """
    name = f"rundlet-test-{os.getpid()}"
    points = {point for key, point in hierarchies()[0].items() if key != "cpuset"}
    made = [Path(point) / name for point in points]
    if not made:
        pytest.skip("there are no cgroups v1 here")
    for path in made:
        path.mkdir()
    yield made
    for path in made:
        remove(path / "runtime")
        path.rmdir()


def remove(cgroup: Path) -> None:
    """Once all that is in it has ended: an exit command outlives the removal of its container."""
    deadline = time.monotonic() + 30
    while True:
        try:
            cgroup.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def started_after(loaded: Rundlet, before: list[str]) -> list[str]:
    """The process of the container and its monitor, once that is another than before."""

    def other() -> list[str]:
        form = "{{if .State.Running}}{{.State.Pid}} {{.State.ConmonPid}}{{end}}"
        found = loaded("inspect", "-f", form, "c").stdout.split()
        return found if found != before else []

    return until(other, "it was not started")


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_a_split_cgroup_has_the_container_beside_its_monitor(
    loaded: Rundlet, cgroup: list[Path], runtime: str
) -> None:
    def within(*words: str) -> None:
        joins = " && ".join(f"echo $$ > {path}/cgroup.procs" for path in cgroup)
        command = ["sh", "-c", f'{joins} && exec "$@"', "sh", *words]
        subprocess.run(command, env=loaded.environment, check=True, capture_output=True)

    words = ("--network=none", "--cgroups=split", "--restart=on-failure:1", f"--runtime={runtime}")
    within("rundlet", "run", "-d", "--name=c", *words, "busybox", "sleep", "99")
    identity, mode = loaded("inspect", "-f", "{{.Id}} {{.HostConfig.Cgroups}}", "c").stdout.split()
    assert mode == "split"
    pids: list[str] = []
    for _ in range(2):
        pids = started_after(loaded, pids)
        for pid, where in zip(pids, (f"libpod-payload-{identity}", "runtime"), strict=True):
            found = Path(f"/proc/{pid}/cgroup").read_text()
            assert found.count(f":/{cgroup[0].name}/{where}\n") >= len(cgroup), found
        os.kill(int(pids[0]), 9)  # its exit command starts it again, from where the monitor is
    loaded("rm", "-f", "-t", "0", "c")
    assert not (Path(hierarchies()[0]["cpuset"]) / cgroup[0].name).exists()
    for path in cgroup:
        assert [one.name for one in path.iterdir() if one.is_dir()] == ["runtime"]
