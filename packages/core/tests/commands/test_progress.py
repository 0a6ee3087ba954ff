"""What a copy says: lines where there is no terminal, and bars on one."""

from __future__ import annotations

import io
import re
import time

import pytest

from devtools.waiting import until
from rundlet.core.commands.progress import shown
from rundlet.core.images.descriptor import Descriptor

BLOB = Descriptor("sha256:" + "ab" * 32, 4 << 20)
OTHER = Descriptor("sha256:" + "cd" * 32, -1)
BOTH = "abababababab 1.0 MiB of 4.0 MiB, cdcdcdcdcdcd 0 B\n"
STALLED = f"Copying at 0 B/s: {BOTH}"


def test_a_line_every_so_often() -> None:
    out = io.StringIO()
    with shown(out, quiet=False, every=0.05) as progress:  # a line may come between any two
        progress.start("blob", BLOB)
        progress.advance("blob", BLOB, 1 << 20)
        progress.start("blob", OTHER)
        until(lambda: STALLED in out.getvalue(), "a stall is told too")
        progress.done("blob", OTHER)
        progress.done("blob", BLOB)
        time.sleep(0.2)
        told = out.getvalue()
        time.sleep(0.2)
    begun = [line for line in told.splitlines() if not line.startswith("Copying at")]
    assert begun == [f"Copying blob {BLOB.digest}", f"Copying blob {OTHER.digest}"]
    assert re.search(r"^Copying at [0-9.]+ [KM]iB/s: abababababab 1\.0 MiB", told, re.MULTILINE)
    assert out.getvalue() == told, "nothing is told while nothing is copied"


def test_short_copies_say_nothing_of_it() -> None:
    out = io.StringIO()
    with shown(out, quiet=False) as progress:
        progress.start("blob", BLOB)
        progress.advance("blob", BLOB, 4 << 20)
        progress.done("blob", BLOB)
        progress.skipped("blob", BLOB)
        progress.message("Writing manifest to image destination")
    assert out.getvalue().splitlines() == [
        f"Copying blob {BLOB.digest}",
        f"Copying blob {BLOB.digest} skipped: already exists",
        "Writing manifest to image destination",
    ]


def test_quiet() -> None:
    out = io.StringIO()
    with shown(out, quiet=True) as progress:
        progress.start("blob", BLOB)
    assert out.getvalue() == ""


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("size", [651, 1023 << 20])
def test_bars_stay_within_a_line(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    config, layer = BLOB.replace(size=size), OTHER.replace(size=size)
    out = Screen()
    with shown(out, quiet=False) as progress:
        progress.start("config", config)
        progress.skipped("blob", layer)
        progress.advance("config", config, size // 2)
        progress.done("config", config)
    last = re.sub("\\x1b[^A-Za-z]*[A-Za-z]", "", out.getvalue()).strip().splitlines()[-2:]
    assert [line.split()[:3] for line in last] == [
        ["Copying", "config", "abababababab"],
        ["Copying", "blob", "cdcdcdcdcdcd"],
    ]
    assert last[0].rstrip().endswith("done") and last[1].endswith("skipped: already exists")
    assert all(len(line) <= 80 for line in last)
