"""Where and how a command is started: closed streams, no such directory, a narrow umask."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from devtools.tool import Rundlet


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


def shell(rundlet: Rundlet, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line],
        env=rundlet.environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(store: Rundlet, closed: str) -> None:
    run = "rundlet run -i --rm --network none busybox sh -c 'echo out; echo err >&2; cat'"
    for line in ("rundlet ps -a", "rundlet run -d --network none busybox true", run):
        done = shell(store, f"{line} {closed}")
        assert (done.returncode, "Error" in done.stderr) == (0, False), line
    assert store("system", "check").returncode == 0


def test_descriptors_of_the_caller(store: Rundlet) -> None:
    """What goes on in the background does not hold them: whoever reads a pipe gets to its end."""
    reader, writer = os.pipe()
    run = ("run", "-d", "--network", "none", "--health-cmd", "true", "--name", "c", "busybox")
    command = ["rundlet", *run, "sleep", "300"]
    subprocess.run(command, env=store.environment, pass_fds=[writer], check=True)
    os.close(writer)
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_narrow_umask(store: Rundlet) -> None:
    """Files that the container's users read are there for them, whatever root's umask is."""
    line = (
        "umask 077; rundlet run --rm -u nobody -v new:/a/b/c --hostname h busybox"
        " sh -c 'cat /etc/hosts /etc/resolv.conf /etc/hostname && ls /a/b/c && umask'"
    )
    done = shell(store, line)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("h\n0022\n")
    store("volume", "rm", "new")


def test_a_directory_that_is_gone(store: Rundlet, tmp_path: Path) -> None:
    gone = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone"
    done = shell(store, f"{gone}; rundlet run --rm --network none busybox echo hi")
    assert done.stdout == "hi\n"
    done = shell(store, f"{gone}; rundlet create -v ./x:/x busybox")
    assert done.returncode == 125
    assert "the working directory is not there any more" in done.stderr
    assert "defect" not in done.stderr


def test_names_that_are_too_long(store: Rundlet) -> None:
    name = "x" * 300
    for verb in ("volume", "network"):
        done = store(verb, "create", name, check=False)
        assert (done.returncode, "too long" in done.stderr) == (125, True)
        assert "defect" not in done.stderr
    assert store("volume", "ls", "-q").stdout == ""  # no row is left


def test_relative_roots(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    """They are where the command was started, for the monitor too, which works elsewhere."""
    near = f"cd {tmp_path}; rundlet --root graph --runroot ./run"
    far = f"cd /; rundlet --root {tmp_path}/graph --runroot {tmp_path}/run"
    line = f"{near} load -q -i {busybox_archive} && {near} run --network none --name x busybox true"
    assert shell(rundlet, line).stderr == ""
    assert shell(rundlet, f"{far} ps -aq --filter exited=0 | grep -c .").stdout == "1\n"
    assert shell(rundlet, f"{far} system reset -f").returncode == 0
    assert not (tmp_path / "graph").exists()
    done = shell(rundlet, "rundlet --root '' --runroot= ps -q")  # what is configured
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "line",
    [
        r"inspect $(printf '\377')",
        r"rm x $(printf '\377')",
        r"volume exists $(printf '\377')",
        r"run --dns $(printf '\377') busybox",
        "rm --cidfile /bin/busybox",
        "volume export -o / data",
        "build --ignorefile / .",
    ],
)
def test_nonsense_is_no_defect(store: Rundlet, tmp_path: Path, line: str) -> None:
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY . /\n")
    store("volume", "create", "data")
    done = shell(store, f"cd {tmp_path}; rundlet {line}")
    assert done.returncode == 125
    assert done.stderr.startswith("Error: ") and "defect" not in done.stderr


def test_verbs_that_are_not_here_say_why(rundlet: Rundlet) -> None:
    for line, why in (
        ("pod ps", "pods are made by the CRI server"),
        ("help machine", "no virtual machines"),
        ("system service", "there is no service"),
        ("rnu", "Did you mean this?\n\trm\n\trmi\n\trun"),
    ):
        done = rundlet(*line.split(), check=False)
        assert (done.returncode, why in done.stderr) == (125, True), done.stderr


def test_without_a_package_for_networks(store: Rundlet) -> None:
    """As where rundlet-net-cni is not installed: what is asked for by name cannot be had."""
    store.environment["RUNDLET_DISABLED_PLUGINS"] = '["cni"]'
    done = store("run", "--rm", "busybox", "echo", "hi")
    assert done.stdout == "hi\n" and "pip install rundlet-net-cni" in done.stderr
    assert store("run", "--rm", "--network", "none", "busybox", "true").stderr == ""
    for flags in (("-p", "80"), ("--network", "bridge"), ("--network", "podman")):
        done = store("run", "--rm", *flags, "busybox", "true", check=False)
        assert done.returncode == 126 and "pip install rundlet-net-cni" in done.stderr
    done = store("network", "create", "x", check=False)
    assert done.returncode == 125 and "pip install rundlet-net-cni" in done.stderr


def test_help_for_a_reader_who_goes_away(rundlet: Rundlet) -> None:
    line = "{ rundlet --help; echo $? >&2; } | true"
    assert shell(rundlet, line).stderr in ("141\n", "0\n")  # 0: it was quicker than `true`


def test_a_directory_of_docker(rundlet: Rundlet, tmp_path: Path) -> None:
    """--config: its logins are the only ones, as with DOCKER_CONFIG."""
    login = {"auth": base64.b64encode(b"me:secret").decode()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.test": login}}))
    asked = ("--config", str(tmp_path), "login", "--get-login", "registry.test")
    rundlet.environment.pop("REGISTRY_AUTH_FILE", None)
    assert rundlet(*asked).stdout == "me\n"
    rundlet("--config", str(tmp_path), "logout", "registry.test")
    assert rundlet(*asked, check=False).returncode == 125
    assert rundlet("--config", str(tmp_path / "none"), *asked[2:], check=False).returncode == 125


def test_tls_details_of_the_program(rundlet: Rundlet, tmp_path: Path) -> None:
    """They are for every verb that speaks to a registry; a verb's own come first."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("minVersion: 9")
    program = ("--tls-details", str(tmp_path / "none"))
    for words in (("pull", "localhost:1/x"), ("search", "localhost:1/x")):
        assert str(tmp_path / "none") in rundlet(*program, *words, check=False).stderr
        own = (words[0], "--tls-details", str(broken), *words[1:])
        assert str(broken) in rundlet(*program, *own, check=False).stderr


@pytest.mark.parametrize(
    ("limit", "words"), [("-f 8", "File too large"), ("-n 16", "Too many open files")]
)
def test_limits_are_named(rundlet: Rundlet, busybox_archive: Path, limit: str, words: str) -> None:
    load = f"rundlet load -q -i {busybox_archive}"
    done = shell(rundlet, f"ulimit {limit}; {load}")
    assert words in done.stderr and "defect" not in done.stderr
    assert shell(rundlet, load).returncode == 0
