"""Stages of builds through the installed script."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .steps import written

pytestmark = pytest.mark.e2e


def test_stages_that_nobody_needs_are_skipped(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox AS unused\nRUN exit 1\n"
        "FROM localhost/busybox AS used\nRUN echo x > /x\n"
        "FROM scratch\nCOPY --from=used /x /y\n"
        "FROM scratch\nCOPY --from=2 /y /z\n",
    )
    assert set(builder.files(builder.build(context))) == {"z"}
    assert set(builder.files(builder.build(context, "--target", "2"))) == {"y"}
    result = builder("build", "--target", "unused", str(context), check=False)
    assert result.returncode == 1


@pytest.mark.parametrize("layers", ["--layers", "--layers=false"])
def test_independent_stages_side_by_side(builder: Any, context: Path, layers: str) -> None:
    wait = "i=0; while [ ! -e /meet/$OTHER ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done"
    meet = context / "meet"
    meet.mkdir()
    stage = (
        "FROM localhost/busybox AS {0}\nENV OTHER={1}\n"
        f"RUN touch /meet/{{0}}; {wait}; test -e /meet/{{1}} && echo {{0}} > /{{0}}\n"
    )
    written(
        context,
        stage.format("a", "b")
        + stage.format("b", "a")
        + "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n",
    )
    words = (layers, "--jobs", "3", "--volume", f"{meet}:/meet")
    assert set(builder.files(builder.build(context, *words))) == {"a", "b"}


def test_a_failing_stage_ends_the_others(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox AS a\nRUN exit 3\n"
        "FROM localhost/busybox AS b\nRUN echo b > /b\n"
        "FROM scratch\nCOPY --from=a /etc /\nCOPY --from=b /b /\n",
    )
    result = builder("build", "--jobs", "2", str(context), check=False)
    assert result.returncode == 3 and "Containerfile:2" in result.stderr


@pytest.mark.parametrize("ending", ["failure", "signal"])
def test_running_stages_end_with_the_build(builder: Any, context: Path, ending: str) -> None:
    first = "sleep 1; exit 3" if ending == "failure" else "echo started; sleep 60"
    written(
        context,
        f"FROM localhost/busybox AS a\nRUN {first}\n"
        "FROM localhost/busybox AS b\nRUN sleep 60\n"
        "FROM scratch\nCOPY --from=b /etc /\nCOPY --from=a /etc /\n",
    )
    begin = time.monotonic()
    process = subprocess.Popen(
        [*builder.command, "build", "--jobs", "2", str(context)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if ending == "signal":
        assert process.stdout is not None
        while process.stdout.readline().strip() != "started":
            pass
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=50)
    assert time.monotonic() - begin < 40
    assert process.returncode == (3 if ending == "failure" else -signal.SIGTERM), errors
    if ending == "failure":
        assert "Containerfile:2" in errors and "exit status 3" in errors
    assert builder.left() == []
