"""Descriptors of the caller in a container: --preserve-fds, --preserve-fd, systemd's sockets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devtools.tool import Rundlet


@pytest.mark.parametrize("runtime", ["crun", "runc"])
@pytest.mark.parametrize("how", ["run", "exec"])
def test_preserved_descriptors(loaded: Rundlet, tmp_path: Path, how: str, runtime: str) -> None:
    probe = loaded("run", "--rm", "--network=none", f"--runtime={runtime}", "busybox", "true",
                   check=False)  # fmt: skip
    if probe.returncode:
        pytest.skip(f"{runtime} does not work here: {probe.stderr.strip()}")
    (tmp_path / "passed").write_text("from outside")
    base = ["rundlet", "run", "--rm", "--network=none", f"--runtime={runtime}"]
    words = [*base, "--preserve-fds", "1", "busybox", "sh", "-c", "cat <&3"]
    if how == "exec":
        loaded(*base[1:2], "-d", "--name", "it", *base[3:], "busybox", "sleep", "100")
        words = ["rundlet", "exec", "--preserve-fds", "1", "it", "sh", "-c", "cat <&3"]
    shell = ["sh", "-c", 'exec 3<"$0"; exec "$@"', str(tmp_path / "passed"), *words]
    done = subprocess.run(
        shell, env=loaded.environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("from outside", "")


@pytest.mark.parametrize("how", ["run", "exec"])
def test_one_preserved_descriptor_and_no_other(loaded: Rundlet, tmp_path: Path, how: str) -> None:
    (tmp_path / "passed").write_text("from outside")
    words = ["rundlet", "run", "--rm", "--network=none", "--preserve-fd", "5", "busybox"]
    if how == "exec":
        loaded("run", "-d", "--name", "it", "--network=none", "busybox", "sleep", "100")
        words = ["rundlet", "exec", "--preserve-fd=5", "it"]
    script = 'exec 4<"$0" 5<"$0"; exec "$@"'
    inside = "cat <&5; [ -e /proc/self/fd/4 ] || echo ' alone'"
    done = subprocess.run(
        ["sh", "-c", script, str(tmp_path / "passed"), *words, "sh", "-c", inside],
        env=loaded.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("from outside alone\n", "")


def test_sockets_that_systemd_passed_are_the_containers(loaded: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "passed").write_text("from outside\n")
    inside = 'echo "$LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES"; [ -z "$LISTEN_FDS" ] || cat <&3'
    loaded("create", "--name", "c", "--network=none", "busybox", "sh", "-c", inside)
    given = {"LISTEN_FDS": "1", "LISTEN_PID": "100", "LISTEN_FDNAMES": "web"}
    run = ("rundlet", "run", "--rm", "--network=none", "--preserve-fds=1", "busybox", "cat")
    said = "WARN[0000] Ignoring LISTEN_FDS to preserve custom user-specified FDs\n"
    for script, words, expected in (
        ('exec 3<"$0"; exec "$@"', ("rundlet", "start", "-a", "c"), "1 1 web\nfrom outside\n"),
        ('exec "$@"', ("rundlet", "start", "-a", "c"), "  \n"),  # they are not there
        ('exec 3<"$0"; exec "$@"', run, said),
    ):
        done = subprocess.run(
            ["sh", "-c", script, str(tmp_path / "passed"), *words],
            env={**loaded.environment, **given},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.stdout + done.stderr == expected
