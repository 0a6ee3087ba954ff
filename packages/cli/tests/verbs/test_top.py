"""`rundlet top`: from /proc, and by the container's own ps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.waiting import until

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def running(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet(
        "run", "-d", "--network", "none", "--name", "c", "busybox", "sh", "-c", "sleep 601 & wait"
    )
    # The shell has begun its command, and both of them wait.
    until(
        lambda: rundlet("top", "c", "comm", "state").stdout.split()[2:] == ["sh", "S", "sleep", "S"]
    )
    return rundlet


def test_default_columns(running: Rundlet) -> None:
    heading, *rows = running("top", "c").stdout.splitlines()
    assert " ".join(heading.split()) == "USER PID PPID %CPU ELAPSED TTY TIME COMMAND"
    cells = [row.split(None, 7) for row in rows]
    assert [(cell[0], cell[1], cell[2], cell[5]) for cell in cells] == [
        ("root", "1", "0", "?"),
        ("root", cells[1][1], "1", "?"),
    ]
    assert cells[1][7] == "sleep 601"


def test_descriptors(running: Rundlet) -> None:
    words = "pid,ppid user %p comm state seccomp capeff capamb huser vsz nice label"
    heading, first, *_ = running("top", "c", *words.split(" ")).stdout.splitlines()
    assert " ".join(heading.split()) == (
        "PID PPID USER PID COMMAND STATE SECCOMP EFFECTIVE CAPS AMBIENT CAPS HUSER VSZ NI LABEL"
    )
    cells = first.split()
    assert cells[:7] == ["1", "0", "root", "1", "sh", "S", "filter"]
    assert "CHOWN" in cells[7].split(",")


def test_ps_in_the_container(running: Rundlet) -> None:
    heading, first, *_ = running("top", "c", "-o", "pid,comm").stdout.splitlines()
    assert (heading.split(), first.split()) == (["PID", "COMMAND"], ["1", "sh"])


def test_what_is_refused(running: Rundlet) -> None:
    running("create", "--name", "stopped", "--network", "none", "busybox")
    done = running("top", "stopped", check=False)
    assert done.returncode == 125
    assert "top can only be used on running containers" in done.stderr
    assert running("top", check=False).returncode == 125
    assert running("top", "nosuch", check=False).returncode == 125
