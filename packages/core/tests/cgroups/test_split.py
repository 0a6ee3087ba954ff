"""The current cgroup split in two, on trees of each kind that are made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rundlet.core.cgroups import split
from rundlet.core.cgroups.layout import CgroupLayout
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.errors import NotSupported
from rundlet.core.spec.generate import generate
from rundlet.core.spec.plan import SpecPlan

UNIT = "/system.slice/web.service"


def unified(tree: Path) -> CgroupLayout:
    """Where systemd manages cgroups: the path is one all the same."""
    return CgroupLayout("unified", ("memory",), unified=str(tree), manager="systemd")


def hybrid(tree: Path) -> CgroupLayout:
    mounts = {name: f"{tree}/{name}" for name in ("memory", "cpuset", "name=systemd")}
    return CgroupLayout("hybrid", ("cpuset", "memory"), mounts, f"{tree}/unified")


def cgroup(path: Path, processes: str = "") -> Path:
    path.mkdir(parents=True)
    (path / "cgroup.procs").write_text(processes)
    return path


@pytest.mark.parametrize(
    ("lines", "layout", "found"),
    [
        (f"0::{UNIT}\n", unified, UNIT),
        (f"0::{UNIT}/runtime\n", unified, UNIT),  # the exit command, by the restart policy
        (f"4:memory:/\n1:name=systemd:{UNIT}\n0::/other\n", hybrid, UNIT),
        (f"4:cpuset:/\n2:memory:{UNIT}/a:b\n0::/\n", hybrid, f"{UNIT}/a:b"),
        ("0::/\n", unified, ""),
        (f"4:memory:/\n0::{UNIT}\n", hybrid, ""),  # runtimes use v1 alone there
    ],
)
def test_which_cgroup_is_split(
    tmp_path: Path, lines: str, layout: Callable[[Path], CgroupLayout], found: str
) -> None:
    (tmp_path / "table").write_text(lines)
    machine, table = layout(tmp_path), str(tmp_path / "table")
    if not found:
        with pytest.raises(NotSupported, match="root cgroup"):
            split.payload(machine, "id", table=table)
        return
    path = split.payload(machine, "id", table=table)
    assert path == f"{found}/libpod-payload-id"
    plan = SpecPlan(
        ContainerRequest(image="x", command=("x",)), "id", "/", layout=machine, cgroup=path
    )
    assert generate(plan).spec["linux"]["cgroupsPath"] == path


def test_a_unified_cgroup_must_be_emptied(tmp_path: Path) -> None:
    (tmp_path / "table").write_text(f"0::{UNIT}\n")
    table = str(tmp_path / "table")
    unit = cgroup(tmp_path / UNIT[1:])
    split.enter(unified(tmp_path), table=table)
    assert (unit / "runtime").is_dir()
    (unit / "cgroup.procs").write_text("1\n")  # a plain file, which is never emptied
    with pytest.raises(NotSupported, match="still being started"):
        split.enter(unified(tmp_path), table=table)
    assert (unit / "runtime/cgroup.procs").read_text() == "1"


def test_only_what_was_not_split_is_removed_after(tmp_path: Path) -> None:
    (tmp_path / "table").write_text(f"3:memory,x:{UNIT}\n2:cpuset:/\n1:name=systemd:/\n")
    machine = hybrid(tmp_path)
    cgroup(tmp_path / f"memory{UNIT}")
    split.enter(machine, table=str(tmp_path / "table"))
    (tmp_path / f"cpuset{UNIT}").mkdir(parents=True)
    split.leave(machine, f"{UNIT}/libpod-payload-id")
    assert (tmp_path / f"memory{UNIT}/runtime").is_dir()
    assert (tmp_path / "cpuset").is_dir() and not list((tmp_path / "cpuset").iterdir())
