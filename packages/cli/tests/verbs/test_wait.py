"""`wait`: whichever comes first, and intervals that are none; lines of `logs` as podman's."""

from __future__ import annotations

import re
from pathlib import Path

from devtools.tool import Rundlet


def test_whichever_comes_first(rundlet: Rundlet, busybox_archive: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    run = ("run", "-d", "--network", "none", "--name")
    rundlet(*run, "long", "busybox", "sleep", "300")
    rundlet(*run, "short", "busybox", "sh", "-c", "sleep 1; echo said; exit 3")
    assert rundlet("wait", "--exit-first-match", "long", "short").stdout == "3\n"
    assert rundlet("wait", "--ignore", "nosuch", "short").stdout == "-1\n3\n"
    done = rundlet("wait", "-i", "xx", "short", check=False)
    assert (done.returncode, "invalid duration" in done.stderr) == (125, True)
    coloured = rundlet("logs", "--color", "-t", "short").stdout
    assert re.fullmatch(r"\x1b\[37m[-\dT:.]+Z said\x1b\[0m\n", coloured)
