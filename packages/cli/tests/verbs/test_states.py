"""What verbs say and exit with where a container is not there, or in a state that does not fit."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from devtools.fixtures import needs
from devtools.tool import Rundlet
from devtools.waiting import until

_SLEEP = ("--network", "none", "busybox", "sleep", "1000")


def _is(tool: Rundlet, words: str, code: int, says: str = "") -> None:
    done = tool(*words.split(), check=False)
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), (words, done)


def test_containers_that_are_not_there(loaded: Rundlet) -> None:
    """podman-rm(1), podman-stop(1), podman-wait(1), podman-container-exists(1)."""
    loaded("create", "--name", "made", *_SLEEP)
    missing = 'no container with name or ID "nosuch" found'
    for words in ("rm nosuch", "rm --depend nosuch", "rm --depend nosuch made"):
        _is(loaded, words, 1, missing)
    assert loaded("ps", "-aq").stdout == ""
    _is(loaded, "stop --cidfile /no/file", 125, "CIDFile: open /no/file: no such file or directory")
    for words in ("rm -f nosuch", "rm -i nosuch", "rm -f --depend nosuch", "stop -i nosuch"):
        done = loaded(*words.split())
        assert (done.stdout, done.stderr) == ("", ""), words
    _is(loaded, "wait --ignore nosuch", 0, "-1")
    _is(loaded, "container exists nosuch", 1)
    for words in (
        "stop", "kill", "start", "restart", "pause", "unpause", "wait", "logs", "top", "port",
        "commit", "diff", "export", "init", "attach", "stats --no-stream", "mount", "unmount",
        "update --cpus 1", "container cleanup", "container checkpoint", "healthcheck run",
    ):  # fmt: skip
        _is(loaded, f"{words} nosuch", 125, missing)
    _is(loaded, "exec nosuch true", 125, missing)
    _is(loaded, "rename nosuch other", 125, missing)
    _is(loaded, "cp nosuch:/a -", 125, missing)


def test_states_that_do_not_fit(loaded: Rundlet) -> None:
    loaded("run", "-d", "--name", "up", *_SLEEP)
    loaded("create", "--name", "made", *_SLEEP)
    _is(loaded, "start up", 0, "up")
    _is(loaded, "container cleanup up", 125, "refusing to clean up")
    _is(loaded, "container cleanup --all", 0)
    _is(loaded, "rm up", 2, "as it is running")
    _is(loaded, "rm -t 3 made", 125, "--force option must be specified")
    _is(loaded, "stop made", 0, "made")
    loaded("pause", "up")
    _is(loaded, "pause up", 125, "is already paused")
    for words in ("start up", "start -a up", "restart up", "stop up"):
        _is(loaded, words, 125, "unpause it first")
    _is(loaded, "unpause made", 125, "is not paused")
    loaded("init", "made")
    _is(loaded, "top made", 125, "only be used on running containers")
    _is(loaded, "port up 80", 0)
    loaded("unpause", "up")
    _is(loaded, "exec -w /nosuch up true", 127, "a --workdir that the container has")
    _is(loaded, "exec -u nosuch up true", 255, "unable to find user nosuch")
    _is(loaded, "exec -d -u nosuch up true", 125, "unable to find user nosuch")
    _is(loaded, "exec made true", 255, "only create exec sessions on running")
    _is(loaded, "exec -d made true", 125, "only create exec sessions on running")
    done = loaded("run", "--rm", "-p", "8080", "--net=container:up", "busybox", "true")
    assert done.stderr == (
        'Port mappings have been discarded because "container" network namespace mode does not'
        " support them\n"
    )
    words = "run --rm --net=none --kernel-memory=100 busybox false"
    _is(loaded, words, 1, "--kernel-memory flag is no longer supported")
    _is(loaded, "exec up", 125, "must provide a non-empty command")
    _is(loaded, "exec --no-session --detach-keys=a up true", 125, "--no-session cannot be used")
    _is(loaded, "container cleanup --all --exec x", 125, "cannot be set together")
    _is(loaded, "create --runtime /nosuch busybox", 125, "OCI runtime /nosuch is not installed")
    for wrong in ("x", "80/tcp/x", "80/x"):
        _is(loaded, f"port up {wrong}", 125, f"'{wrong}' is invalid")


def test_a_writable_layer_that_is_gone(loaded: Rundlet) -> None:
    """Errors name the container, which no image brings back, and the remedy."""
    loaded("run", "-d", "--name", "c", *_SLEEP)
    (found,) = (loaded.directory / "root").glob("overlay/*/merged/bin")
    shutil.rmtree(found.parents[1] / "diff")
    for words in ("cp /etc/passwd c:/new", "diff c", "commit c x", "inspect --size c"):
        _is(loaded, words, 125, "(c): its writable layer is gone\n`system check --repair`")
    loaded("stop", "-t", "0", "c")
    for words in ("cp c:/bin/sh -", "cp /etc/passwd c:/new", "start c", "export c"):
        _is(loaded, words, 125, "(c): its writable layer is gone\n`system check --repair`")


@pytest.mark.parametrize("how", [(), ("-d",)])
def test_a_memory_limit_that_is_too_small_for_the_runtime(
    loaded: Rundlet, how: tuple[str, ...]
) -> None:
    needs("runc")
    words = ("run", *how, "--rm", "--runtime=runc", "--network=none", "-m", "3m", "busybox", "true")
    done = loaded(*words, check=False)
    if done.returncode == 0:
        pytest.skip("this runc needs less")
    assert (done.returncode, "memory limit" in done.stderr) == (126, True), done.stderr
    assert loaded("ps", "-aq").stdout == ""


def test_rmi_of_a_container_in_the_background(loaded: Rundlet) -> None:
    """podman-run(1) --rmi: the image goes with the container; one that others use stays."""
    words = ("run", "-d", "--rmi", "--network=none", "--name=it")
    loaded("tag", "busybox", "localhost/mine")
    loaded(*words, "localhost/mine", "true")
    until(lambda: loaded("image", "exists", "localhost/mine", check=False).returncode == 1)
    loaded("create", "--name", "other", *_SLEEP)
    loaded(*words, "busybox", "sleep", "1000")
    shown = "{{.HostConfig.AutoRemove}} {{.HostConfig.AutoRemoveImage}}"
    assert loaded("inspect", "--format", shown, "it").stdout == "true true\n"
    assert "Failed to remove image" in loaded("stop", "-t0", "it").stderr
    loaded("rm", "other")
    loaded(*words, "busybox", "sleep", "1000")
    loaded("rm", "-f", "-t0", "it")
    assert loaded("images", "-q").stdout + loaded("ps", "-aq").stdout == ""


def test_a_stop_that_waits(loaded: Rundlet) -> None:
    """Who waits for the end makes a container "stopping", and only while he lives."""
    script = "trap '' TERM; until test -e /go; do sleep 0.1; done"
    loaded("run", "-d", "--name", "it", "--network=none", "busybox", "sh", "-c", script)
    shown = "{{.State.Status}} {{.State.Running}} {{.State.StoppedByUser}}"

    def state() -> str:
        return loaded("inspect", "--format", shown, "it").stdout.strip()

    def stop() -> subprocess.Popen[bytes]:
        words = ["rundlet", "stop", "-t", "1000", "it"]
        return subprocess.Popen(words, env=loaded.environment, stdout=subprocess.DEVNULL)

    assert state() == "running true false"
    stopping = stop()
    until(lambda: state() == "stopping false true")
    row = "{{.Names}} {{.Status}}"
    assert loaded("ps", "-f", "status=stopping", "--format", row).stdout == "it Stopping\n"
    _is(loaded, "pause it", 125, "is not running")
    _is(loaded, "wait --condition stopping it", 0, "-1")
    stopping.kill()
    stopping.wait()
    assert state() == "running true true"
    stopping = stop()
    until(lambda: state() == "stopping false true")
    loaded("exec", "it", "touch", "/go")
    assert stopping.wait(60) == 0
    assert state() == "exited false true"
    loaded("init", "it")
    shown = "{{.State.Status}} {{gt .State.Pid 0}} {{gt .State.ConmonPid 0}}"
    assert state() == "initialized true true"
    loaded("start", "it")
    shown = "{{.State.StoppedByUser}}"
    assert state() == "false"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "invalid signal: 0"),
        ("SIG", "invalid signal: SIG"),
        ("-BADSIG", "invalid signal: BADSIG"),
        ("-65", "valid signals are 1 through 64"),
        ("-INT", 'no container with name or ID "none" found: no such container'),
    ],
)
def test_wrong_signals_are_refused_first(rundlet: Rundlet, text: str, said: str) -> None:
    done = rundlet("kill", "-s", text, "none", check=False)
    assert (done.returncode, done.stderr) == (125, f"Error: {said}\n")
