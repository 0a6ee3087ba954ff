"""Modes of --chmod, held against chmod(1)."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from rundlet.build.context.modes import parse

MODES = (
    *("0640", "u=rwX,go=rX", "+x", "+w", "=rw", "a=", "-w", "go-rwx", "u-x+w", "g=u", "o=g-w"),
    *("u+s", "g=s", "+t", "ug+X", "a=rwxst"),
)
BEFORE = (0o644, 0o755, 0o600, 0o4711, 0o2750, 0o000)


def test_as_chmod_does_it(tmp_path: Path) -> None:
    for text in MODES:
        for number, before in enumerate(BEFORE):
            file, directory = tmp_path / f"f{number}", tmp_path / f"d{number}"
            file.touch()
            directory.mkdir(exist_ok=True)
            for path in (file, directory):
                path.chmod(before)
        paths = sorted(tmp_path.iterdir())
        subprocess.run(
            ["sh", "-c", 'umask 022; chmod -- "$@"', "sh", text, *map(str, paths)], check=False
        )
        for path in paths:
            before = BEFORE[int(path.name[1:])]
            if text == "0640" and path.is_dir():
                before &= 0o777  # a number of Docker's says all bits of directories too
                path.chmod(0o640)
            wanted = stat.S_IMODE(path.stat().st_mode)
            assert parse(text).of(before, directory=path.is_dir()) == wanted, (text, path, before)


@pytest.mark.parametrize("text", ["", "9", "77777", "u", "rwx", "u=q", "u+x,", "g=uo"])
def test_what_is_no_mode(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)
