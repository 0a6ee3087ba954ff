"""rundlet-cri through its installed script."""

from __future__ import annotations

import json
import subprocess
import sys
import time
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
    places = ("--root", str(tmp_path / "root"), "--runroot", str(tmp_path))
    (tmp_path / "crio.conf").write_text("[crio.runtime.runtimes.mine]\nruntime_path = '/no/runc'\n")
    words = ("--config", str(tmp_path / "crio.conf"), "--config-dir", "", *places)
    result = rundlet_cri(*words, "status")
    assert result.returncode == 0, result.stderr
    status = json.loads(result.stdout)
    conditions = {one["type"]: one for one in status["status"]["conditions"]}
    assert conditions["RuntimeReady"]["status"] is True
    assert set(conditions) == {"RuntimeReady", "NetworkReady"}
    handlers = {one["name"]: one for one in status["runtimeHandlers"]}
    assert handlers["runc"]["ready"] is True
    assert "/no/runc is not installed" in handlers["mine"]["reason"]


@pytest.mark.e2e
def test_status_of_a_node_without_a_working_runtime(tmp_path: Path) -> None:
    result = rundlet_cri("--root", str(tmp_path), "--runtime", "/nonexistent/runc", "status")
    assert result.returncode == 0, result.stderr
    runtime = json.loads(result.stdout)["status"]["conditions"][0]
    assert runtime["status"] is False
    assert "/nonexistent/runc" in runtime["message"]


@pytest.mark.e2e
def test_without_a_verb_it_serves(tmp_path: Path) -> None:
    socket = tmp_path / "s"
    places = ("--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "run"))
    words = ("--config", "", "--config-dir", "", *places, "-l", "debug", "--log-format", "json")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([SCRIPT, *words, "--listen", str(socket)], stderr=log)
    try:
        deadline = time.monotonic() + 60
        while "serving on" not in (text := (tmp_path / "log").read_text()):
            assert process.poll() is None and time.monotonic() < deadline, text
            time.sleep(0.05)
        messages = [json.loads(line) for line in text.splitlines()]
        assert any(one["msg"] == f"serving on {socket}" for one in messages)
        assert rundlet_cri(*words, "status", "-s", str(socket), "info").returncode == 0
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.e2e
def test_version_as_json_with_packages() -> None:
    found = json.loads(rundlet_cri("version", "--json", "--verbose").stdout)
    assert found["runtimeName"] == "rundlet"
    assert any(line.startswith("grpcio ") for line in found["dependencies"])


@pytest.mark.e2e
def test_a_wrong_configuration_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "crio.conf").write_text("[crio.runtime]\npids_limit = 'many'\n")
    result = rundlet_cri("--config", str(tmp_path / "crio.conf"), "--config-dir", "")
    assert result.returncode == 125
    assert result.stderr == (
        f"Error: {tmp_path}/crio.conf: crio.runtime.pids_limit: expected a whole number,"
        " not 'many'\n"
    )
