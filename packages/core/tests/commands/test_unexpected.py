"""Errors that nothing has turned into a typed one."""

from __future__ import annotations

import pytest

from rundlet.core.commands import dispatch
from rundlet.core.commands.declare import Program

PROGRAM = Program("rundlet", "of this test", "none")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory\nClose some programs"),
        (RuntimeError("can't start new thread"), "out of memory: can't start new thread\nClose"),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device\nFree some"),
        (IsADirectoryError(21, "Is a directory", "/x"), "/x: Is a directory\nA file belongs there"),
    ],
)
def test_of_the_machine(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> int:
        raise error

    monkeypatch.setattr(dispatch, "_run", run)
    assert dispatch.main(PROGRAM, ["ps"]) == 125
    said = capfd.readouterr().err
    assert said.startswith(f"Error: {words}") and "defect" not in said
