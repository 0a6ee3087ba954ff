"""rundlet-cri through its installed script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("rundlet-cri")


def rundlet_cri(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False)


@pytest.mark.e2e
def test_version_has_the_fields_of_a_version_response() -> None:
    lines = dict(line.split(":  ") for line in rundlet_cri("version").stdout.splitlines())
    assert lines["RuntimeName"] == "rundlet"
    assert lines["RuntimeApiVersion"] == "v1"


@pytest.mark.e2e
def test_status_tells_conditions_and_handlers(tmp_path: Path) -> None:
    result = rundlet_cri("--root", str(tmp_path / "root"), "--runroot", str(tmp_path), "status")
    assert result.returncode == 0, result.stderr
    status = json.loads(result.stdout)
    conditions = {one["type"]: one for one in status["status"]["conditions"]}
    assert conditions["RuntimeReady"]["status"] is True
    assert set(conditions) == {"RuntimeReady", "NetworkReady"}
    handlers = {one["name"]: one for one in status["runtimeHandlers"]}
    assert handlers["runc"]["ready"] is True


@pytest.mark.e2e
def test_status_of_a_node_without_a_working_runtime(tmp_path: Path) -> None:
    result = rundlet_cri("--root", str(tmp_path), "--runtime", "/nonexistent/runc", "status")
    assert result.returncode == 0, result.stderr
    runtime = json.loads(result.stdout)["status"]["conditions"][0]
    assert runtime["status"] is False
    assert "/nonexistent/runc" in runtime["message"]
