"""A context with a Containerfile of a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from .steps import STEPS, written


@pytest.fixture
def steps(context: Path) -> Path:
    (context / "a").write_text("a")
    (context / "dir").mkdir()
    (context / "dir" / "f").write_text("f")
    return written(context, STEPS)
