"""CPU quotas below 0 on cgroups v2; on v1 the contract suite lifts one with real crun."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rundlet.core.cgroups.layout import CgroupLayout
from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.errors import RuntimeFailed
from rundlet.core.runtimes import crun as crun_module
from rundlet.core.runtimes import endless
from rundlet.core.runtimes.crun import Crun


def unified(tmp_path: Path, *cgroups: str) -> CgroupLayout:
    for name in cgroups:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "cpu.max").write_text("50000 100000\n")
    return CgroupLayout("unified", ("cpu",), unified=str(tmp_path))


def test_the_quota_of_a_unified_cgroup_is_lifted(tmp_path: Path) -> None:
    before = endless.lift(unified(tmp_path, "rundlet/ctr-c"), "/rundlet/ctr-c")
    file = tmp_path / "rundlet/ctr-c/cpu.max"
    assert file.read_text() == "max"
    endless.restore(before)
    assert file.read_text() == "50000 100000"


def test_a_scope_of_systemd_has_a_cgroup_below(tmp_path: Path) -> None:
    scope = "machine.slice/rundlet-c.scope"
    endless.lift(unified(tmp_path, scope, f"{scope}/container"), "machine.slice:rundlet:c")
    assert {path.read_text() for path in tmp_path.rglob("cpu.max")} == {"max"}


def test_a_machine_without_the_controller_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match=r"cpu\.max is not there"):
        endless.lift(unified(tmp_path), "/rundlet/ctr-c")


def test_a_refused_update_leaves_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the limits goes to crun; what it refuses changes nothing."""
    machine = unified(tmp_path / "cgroup", "rundlet/ctr-c")
    monkeypatch.setattr(crun_module, "layout", lambda _: machine)
    spec = {"linux": {"cgroupsPath": "/rundlet/ctr-c"}}
    (tmp_path / "config.json").write_text(json.dumps(spec))
    crun = tmp_path / "crun"
    crun.write_text(
        f"""#!/bin/sh
[ "$3" = state ] || {{ cat > {tmp_path}/asked; echo no >&2; exit 1; }}
echo '{{"id": "c", "pid": 1, "status": "running", "bundle": "{tmp_path}"}}'
"""
    )
    crun.chmod(0o755)
    driver = Crun(RuntimeConfig(root=tmp_path, path=str(crun), options={"sealed": False}))
    (tmp_path / "c").mkdir()
    with pytest.raises(RuntimeFailed, match="no"):
        driver.update("c", {"cpu": {"quota": -1, "shares": 5}})
    assert json.loads((tmp_path / "asked").read_text()) == {"cpu": {"shares": 5}}
    assert (tmp_path / "cgroup/rundlet/ctr-c/cpu.max").read_text() == "50000 100000"
