"""The lines that a build says."""

from __future__ import annotations

import io

import pytest

from rundlet.build.execute.progress import Progress, StageProgress


@pytest.mark.parametrize("mixed", [False, True])
def test_steps_and_what_they_took(monkeypatch: pytest.MonkeyPatch, mixed: bool) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    out = io.StringIO()
    stage = StageProgress(Progress(out), "[1/2]", 4, mixed=mixed)
    for text in ("FROM x", "RUN a", "RUN b\nmore"):
        stage.step(text)
        now += 0.2
    stage.done("0123456789abcdef")
    stage.step("RUN c")
    now += 2
    stage.end()  # of the last step too
    label = "[1/2] " if mixed else ""
    assert out.getvalue().splitlines() == [
        "[1/2] STEP 1/4: FROM x",
        f"{label}--> (0.2s)",
        "[1/2] STEP 2/4: RUN a",
        f"{label}--> (0.2s)",
        "[1/2] STEP 3/4: RUN b",
        f"{label}--> 0123456789ab (0.2s)",
        "[1/2] STEP 4/4: RUN c",
        f"{label}--> (2.0s)",
    ]
