"""`init`: everything of a start but the start; and --sdnotify."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.fixtures import needs
from devtools.tool import Rundlet


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


class Listening:
    """Reads $NOTIFY_SOCKET as systemd does: at once, for crun waits until it is read."""

    def __init__(self, path: Path) -> None:
        self._read: list[str] = []
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(str(path))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while word := self._sock.recv(1000).decode().strip():
            self._read.append(word.split("=")[0] if "PID" in word else word)

    def heard(self) -> list[str]:
        """Which messages there were, without the numbers of processes. It listens no more."""
        if self._thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", self._sock.getsockname())
            self._thread.join()
            self._sock.close()
        return self._read


@pytest.fixture
def notified(busybox_archive: Path) -> Iterator[tuple[Rundlet, Listening]]:
    """A store with a run root that is as long as the default, and who listens to it."""
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as directory:
        tool = Rundlet(Path(directory))
        tool.environment["RUNDLET_RUN_ROOT"] = directory
        assert len(directory) >= len("/run/rundlet")
        tool.environment["NOTIFY_SOCKET"] = f"{directory}/notify"
        tool("load", "-q", "-i", str(busybox_archive))
        listening = Listening(tool.directory / "notify")
        try:
            yield tool, listening
        finally:
            listening.heard()
            tool("rm", "-a", "-f", "-t", "0")
        assert not tool.mounts()


@pytest.mark.parametrize(
    ("mode", "said"),
    [("conmon", ["MAINPID", "READY=1"]), ("container", ["MAINPID"]), ("ignore", [])],
)
def test_sdnotify(notified: tuple[Rundlet, Listening], mode: str, said: list[str]) -> None:
    tool, listening = notified
    tool("run", "--rm", "--network=none", f"--sdnotify={mode}", "busybox", "true")
    assert listening.heard() == said


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_container_says_itself_that_it_is_ready(
    notified: tuple[Rundlet, Listening], runtime: str
) -> None:
    needs(runtime)
    tool, listening = notified
    places = {"/lib": "/usr/lib", "/lib64": "/usr/lib64", "/usr": "/usr"}
    places[sys.base_prefix] = sys.base_prefix
    libraries = [f"-v{here}:{there}:ro" for there, here in places.items()]
    program = (
        "import os, socket, time;"
        "to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
        "to.sendto(b'READY=1', os.environ['NOTIFY_SOCKET']);"
        "time.sleep(100)"
    )
    python = ("busybox", os.path.realpath(sys.executable), "-c", program)
    tool("run", "-d", "--runtime", runtime, "--network=none", *libraries, *python)
    assert listening.heard()[:2] == ["MAINPID", "READY=1"]


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_run_root_that_is_too_long_for_a_socket_is_named(
    notified: tuple[Rundlet, Listening], runtime: str
) -> None:
    needs(runtime)
    tool, listening = notified
    words = ("--runtime", runtime, "--network=none", "busybox", "true")
    tool.environment["RUNDLET_RUN_ROOT"] = f"{tool.directory}/long-long-long"
    tool("create", "--name", "other", "--sdnotify=ignore", *words)
    del tool.environment["NOTIFY_SOCKET"]
    tool("create", "--name", "later", *words)
    tool.environment["NOTIFY_SOCKET"] = f"{tool.directory}/notify"
    for verb in (("create", *words), ("start", "later")):
        done = tool(*verb, check=False)
        assert done.returncode == 125
        assert "--sdnotify=container" in done.stderr and "--runroot that is" in done.stderr
    assert tool("ps", "-a", "--sort=names", "--format={{.Names}}").stdout.split() == [
        "later",
        "other",
    ]
    assert listening.heard() == []
