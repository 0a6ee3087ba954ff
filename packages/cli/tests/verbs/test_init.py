"""`init`: everything of a start but the start; and --sdnotify."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.tool import Rundlet


@pytest.fixture
def loaded(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    rundlet("load", "-q", "-i", str(busybox_archive))
    return rundlet


def status(tool: Rundlet, name: str) -> str:
    return str(json.loads(tool("inspect", name).stdout)[0]["State"]["Status"])


def test_init_then_start(loaded: Rundlet) -> None:
    loaded("create", "--name", "c", "--network=none", "busybox", "echo", "hello")
    assert loaded("init", "c").stdout == "c\n"
    assert status(loaded, "c") == "initialized"
    assert loaded("logs", "c").stdout == ""
    loaded("init", "c")
    assert loaded("start", "-a", "c").stdout == "hello\n"
    assert status(loaded, "c") == "exited"
    loaded("init", "c")
    loaded("start", "c")
    loaded("wait", "c")
    assert loaded("logs", "c").stdout == "hello\n" * 2


def test_init_of_a_running_one_is_refused(loaded: Rundlet) -> None:
    loaded("run", "-d", "--name", "c", "--network=none", "busybox", "sleep", "100")
    done = loaded("init", "c", check=False)
    assert (done.returncode, "already running" in done.stderr) == (125, True)


def test_an_initialized_one_is_stopped_and_removed(loaded: Rundlet) -> None:
    for name, verb in (("a", ("stop", "-t", "0")), ("b", ("rm", "-f", "-t", "0"))):
        loaded("create", "--name", name, "--network=none", "busybox", "sleep", "100")
        loaded("init", name)
        loaded(*verb, name)
    assert status(loaded, "a") == "exited"
    assert loaded("ps", "-a", "--format", "{{.Names}}").stdout == "a\n"


@pytest.mark.parametrize(
    ("mode", "said"),
    [("conmon", ["MAINPID", "READY=1"]), ("container", ["MAINPID"]), ("ignore", [])],
)
def test_sdnotify(busybox_archive: Path, mode: str, said: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as directory:  # sun_path is short
        tool = Rundlet(Path(directory))
        tool.environment["RUNDLET_RUN_ROOT"] = directory
        tool("load", "-q", "-i", str(busybox_archive))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.bind(f"{directory}/notify")
            tool.environment["NOTIFY_SOCKET"] = f"{directory}/notify"
            tool("run", "--rm", "--network=none", f"--sdnotify={mode}", "busybox", "true")
            messages = list(_messages(sock))
        assert not tool.mounts()
    words = [message.strip() for message in messages]
    assert [word.split("=")[0] if "PID" in word else word for word in words] == said


def _messages(sock: socket.socket) -> Iterator[str]:
    while True:
        try:
            yield sock.recv(1000).decode()
        except BlockingIOError:
            return
