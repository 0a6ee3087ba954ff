"""The README tells the truth: its Python example runs, its sessions and files exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.registry import Registry

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.e2e
def test_python_example_runs(registry: Registry, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    environment = {
        **os.environ,
        "RUNDLET_GRAPH_ROOT": str(tmp_path / "root"),
        "RUNDLET_RUN_ROOT": str(tmp_path / "run"),
    }
    result = subprocess.run(
        [sys.executable, "-c", code.replace("localhost:5000", registry.host)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "0 hello\n"


def test_named_sessions_exist() -> None:
    noxfile = (ROOT / "noxfile.py").read_text()
    defined = set(re.findall(r"@nox\.session(?:\([^@]*\))?\ndef (\w+)", noxfile))
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"nox -s (\w+)", README + contributing))
    assert named <= defined
