"""What a copy says: lines where there is no terminal, and bars on one."""

from __future__ import annotations

import io
import re
import time

import pytest

from rundlet.core.commands.progress import shown
from rundlet.core.images.descriptor import Descriptor

BLOB = Descriptor("sha256:" + "ab" * 32, 4 << 20)
OTHER = Descriptor("sha256:" + "cd" * 32, -1)


def test_a_line_every_so_often() -> None:
    out = io.StringIO()
    with shown(out, quiet=False, every=0.05) as progress:
        progress.start("blob", BLOB)
        progress.advance("blob", BLOB, 1 << 20)
        progress.start("blob", OTHER)
        deadline = time.monotonic() + 60
        while out.getvalue().count("Copying at") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        progress.done("blob", OTHER)
        progress.done("blob", BLOB)
        time.sleep(0.2)
        told = out.getvalue()
        time.sleep(0.2)
    first, second, *lines = told.splitlines()
    assert (first, second) == (f"Copying blob {BLOB.digest}", f"Copying blob {OTHER.digest}")
    assert re.fullmatch(
        r"Copying at .* MiB/s: abababababab 1\.0 MiB of 4\.0 MiB, cdcdcdcdcdcd 0 B", lines[0]
    )
    assert lines[1].startswith("Copying at 0 B/s: "), "a stall is told too"
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
