"""exec and attach on a real pty."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from devtools.terminal import Terminal
from devtools.tool import Rundlet

pytestmark = pytest.mark.e2e
SIZES = "echo ready; until stty size | grep 41; do sleep 0.1; done"


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


def begin(store: Rundlet, *words: str) -> None:
    store("run", "-d", "--name", "c", "--network", "none", *words)


def test_exec_it_follows_the_size_and_gives_the_exit_code(store: Rundlet) -> None:
    begin(store, "busybox", "sleep", "60")
    terminal = Terminal(store, "rundlet", "exec", "-it", "c", "sh")
    terminal.resize(33, 97)
    terminal.until(r"/ # ")
    terminal.type("tty\n")
    terminal.until(r"/dev/(console|pts/\d+)")
    terminal.type(f"{SIZES}\n")
    terminal.until(r"ready\r\n")
    terminal.resize(41, 103)
    terminal.until(r"41 103")
    terminal.until(r"/ # ")
    terminal.type("exit 5\n")
    assert terminal.wait() == 5


def test_attach_and_its_keys_to_go(store: Rundlet) -> None:
    begin(store, "-it", "busybox", "sh")
    terminal = Terminal(store, "rundlet", "attach", "c")
    terminal.type("echo $((6*7))\n")
    terminal.until(r"42\r\n")
    terminal.type("\x10\x11")  # ctrl-p, ctrl-q
    assert terminal.wait() == 0
    assert store("inspect", "-f", "{{.State.Status}}", "c").stdout == "running\n"
    again = Terminal(store, "rundlet", "attach", "--detach-keys", "ctrl-a", "c")
    again.type("exit 3\n")
    assert again.wait() == 3


# exec passes signals on, and a shell at its terminal ignores SIGTERM.
@pytest.mark.parametrize(("line", "ends"), [("attach c", "TERM"), ("exec -it c sh", "HUP")])
def test_the_terminal_is_as_before_when_the_client_is_ended(
    store: Rundlet, line: str, ends: str
) -> None:
    """It is raw meanwhile: a shell would go on without echo."""
    begin(store, "-it", "busybox", "sh")
    terminal = Terminal(store, "sh", "-c", f"stty -a; rundlet {line}; stty -a; cat")
    before = terminal.until(r"speed[^#]*?-?echoke?[^\r]*\r\n")
    terminal.type("echo $((6*7))\n")
    terminal.until(r"42\r\n")
    children = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.Signals[f"SIG{ends}"])
    assert terminal.until(r"speed[^#]*?-?echoke?[^\r]*\r\n") == before
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert store("inspect", "-f", "{{.State.Status}}", "c").stdout == "running\n"
