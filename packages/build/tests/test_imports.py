"""What the verbs of a script import: importing is most of a small command's time."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

FORBIDDEN = {
    "asyncio", "dataclasses", "importlib.metadata", "logging", "pathlib", "pluggy", "pydantic",
    "rich", "shutil", "stevedore", "subprocess", "tempfile", "typer", "typing", "urllib3",
    "rundlet.build.execute.draft", "rundlet.core.spec.generate",
}  # fmt: skip
SCRIPT = """
import sys
before = set(sys.modules)
sys.argv = ["rundlet-build", *{words!r}]
from rundlet.build.main import main
code = main()
sys.stderr.write("\\n".join(set(sys.modules) - before))
sys.exit(code)
"""


@pytest.mark.e2e
def test_from_config_and_rm(builder: Any) -> None:
    imported: dict[str, set[str]] = {}
    for _ in range(2):  # the second finds the caches warm: they are of one path of modules
        for verb in ("from --name w busybox", "config --cmd x w", "containers", "rm w"):
            words = [*builder.places, *verb.split()]
            done = subprocess.run(
                [sys.executable, "-P", "-c", SCRIPT.format(words=words)],
                capture_output=True,
                text=True,
                check=True,
            )
            imported[verb] = FORBIDDEN & set(done.stderr.split())
    assert imported == {verb: set() for verb in imported}
