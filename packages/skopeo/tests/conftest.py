"""The installed `rundlet-skopeo`, with a store and an auth file of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devtools.tool import SCRIPTS
from rundlet.core.settings.load import load


class Skopeo:
    """The installed `rundlet-skopeo`. Paths in its arguments are below `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "auth.json").write_text("{}")
        self.environment = {
            **os.environ,
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "RUNDLET_GRAPH_ROOT": str(directory / "root"),
            "RUNDLET_RUN_ROOT": str(directory / "run"),
            "REGISTRY_AUTH_FILE": str(directory / "auth.json"),
        }
        load(self.environment)  # settings are kept: else the first command needs 0.2 s for them

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb; a failure shows its own words."""
        result = subprocess.run(
            ["rundlet-skopeo", *words],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check:
            assert result.returncode == 0, f"rundlet-skopeo {' '.join(words)}: {result.stderr}"
        return result

    def json(self, *words: str) -> Any:
        """Run a verb that prints JSON."""
        return json.loads(self(*words).stdout)

    def refused(self, *words: str) -> str:
        """Run a verb that must fail by itself; its message."""
        result = self(*words, check=False)
        assert result.returncode in (1, 2), f"exit code {result.returncode}: {result.stderr}"
        assert "Traceback" not in result.stderr
        return result.stderr


@pytest.fixture
def tool(tmp_path: Path) -> Skopeo:
    return Skopeo(tmp_path)


@pytest.fixture
def blobs() -> Callable[[Path], set[str]]:
    """The digests of the blobs in an OCI layout."""
    return lambda layout: {file.name for file in (layout / "blobs/sha256").iterdir()}
