"""cgroup layouts, from fake trees; the machine's own is only asked to be one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core.cgroups import container
from rundlet.core.cgroups.layout import CgroupLayout, choose_manager, layout
from rundlet.core.errors import InvalidArgument


def line(number: int, point: str, kind: str, options: str) -> str:
    return f"{number} 1 0:{number} / {point} rw,nosuid - {kind} {kind} {options}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "cgroup").mkdir()
    return tmp_path / "cgroup"


def detect(tmp_path: Path, text: str, **options: str) -> CgroupLayout:
    path = tmp_path / "mountinfo"
    path.write_text("22 1 0:1 / /proc rw - proc proc rw\n" + text)
    options.setdefault("run", str(tmp_path / "run"))
    return layout(mountinfo=str(path), **options)


def test_unified(tmp_path: Path, tree: Path) -> None:
    (tree / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    found = detect(tmp_path, line(30, str(tree), "cgroup2", "rw,nsdelegate"))
    assert found.version == "unified"
    assert found.controllers == ("cpu", "cpuset", "io", "memory", "pids")
    assert found.unified == str(tree)
    assert found.has("memory")
    assert not found.has("hugetlb")
    assert found.manager == "cgroupfs"


def test_unified_without_delegated_controllers(tmp_path: Path, tree: Path) -> None:
    found = detect(tmp_path, line(30, str(tree), "cgroup2", "rw"))
    assert (found.version, found.controllers) == ("unified", ())


def test_v1(tmp_path: Path, tree: Path) -> None:
    text = line(31, f"{tree}/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct")
    text += line(32, f"{tree}/memory", "cgroup", "rw,memory")
    text += line(33, f"{tree}/systemd", "cgroup", "rw,xattr,release_agent=/x,name=systemd")
    found = detect(tmp_path, text)
    assert found.version == "v1"
    assert found.controllers == ("cpu", "cpuacct", "memory")
    assert found.mounts["cpu"] == found.mounts["cpuacct"] == f"{tree}/cpu,cpuacct"
    assert found.mounts["name=systemd"] == f"{tree}/systemd"


def test_hybrid_counts_only_v1_controllers(tmp_path: Path, tree: Path) -> None:
    (tree / "unified").mkdir()
    (tree / "unified/cgroup.controllers").write_text("hugetlb\n")
    text = line(31, f"{tree}/memory", "cgroup", "rw,memory")
    text += line(32, f"{tree}/unified", "cgroup2", "rw")
    found = detect(tmp_path, text)
    assert found.version == "hybrid"
    assert found.controllers == ("memory",)
    assert found.unified == f"{tree}/unified"


def test_systemds_named_hierarchy_alone_is_not_v1(tmp_path: Path, tree: Path) -> None:
    (tree / "cgroup.controllers").write_text("memory\n")
    text = line(31, f"{tree}/systemd", "cgroup", "rw,none,name=systemd")
    assert detect(tmp_path, text + line(32, str(tree), "cgroup2", "rw")).version == "unified"


def test_mount_points_are_unescaped(tmp_path: Path) -> None:
    found = detect(tmp_path, line(31, r"/with\040space/memory", "cgroup", "rw,memory"))
    assert found.mounts["memory"] == "/with space/memory"


def test_manager(tmp_path: Path) -> None:
    text = line(30, "/x", "cgroup2", "rw")
    run = tmp_path / "run"
    (run / "systemd/system").mkdir(parents=True)
    assert detect(tmp_path, text).manager == "cgroupfs"
    (run / "dbus").mkdir()
    (run / "dbus/system_bus_socket").touch()
    assert detect(tmp_path, text).manager == "systemd"
    assert detect(tmp_path, text, manager="cgroupfs").manager == "cgroupfs"
    assert choose_manager("systemd", "/nowhere") == "systemd"
    with pytest.raises(InvalidArgument, match="openrc"):
        detect(tmp_path, text, manager="openrc")


def test_this_machine() -> None:
    assert layout().version in ("v1", "hybrid", "unified")


def test_paths_of_a_container() -> None:
    plain = CgroupLayout("unified", unified="/c")
    systemd = plain.replace(manager="systemd")
    assert container.cgroups_path(plain, "x") == "/rundlet/ctr-x"
    assert container.cgroups_path(plain, "x", "a/b/") == "/a/b/ctr-x"
    path = container.cgroups_path(systemd, "x", "kube-pod.slice")
    assert path == "kube-pod.slice:rundlet:x"
    where = container.directories(systemd, path)
    assert where == {"": "/c/kube.slice/kube-pod.slice/rundlet-x.scope"}


def test_usage_of_v2(tree: Path) -> None:
    home = tree / "rundlet/ctr-x"
    home.mkdir(parents=True)
    (home / "memory.current").write_text("4096\n")
    (home / "memory.max").write_text("max\n")
    (home / "pids.current").write_text("3\n")
    (home / "cpu.stat").write_text("usage_usec 17\nuser_usec 9\nsystem_usec 8\n")
    used = container.usage(CgroupLayout("unified", unified=str(tree)), "/rundlet/ctr-x")
    assert used == container.CgroupUsage(4096, None, 3, 17000, cpu_kernel_nanoseconds=8000)


def test_usage_of_v1_and_of_nothing(tree: Path) -> None:
    home = tree / "memory/rundlet/ctr-x"
    home.mkdir(parents=True)
    (home / "memory.usage_in_bytes").write_text("8192\n")
    machine = CgroupLayout("v1", ("memory",), {"memory": f"{tree}/memory"})
    assert container.usage(machine, "/rundlet/ctr-x").memory == 8192
    assert container.usage(machine, "/gone") == container.CgroupUsage()


def test_leftovers_are_removed_with_what_is_below(tree: Path) -> None:
    (tree / "memory/rundlet/ctr-x/inner/deep").mkdir(parents=True)
    machine = CgroupLayout("v1", ("memory",), {"memory": f"{tree}/memory"})
    assert container.processes(machine, "/rundlet/ctr-x") == []
    container.remove(machine, "/rundlet/ctr-x")
    container.remove(machine, "/rundlet/ctr-x")
    assert list((tree / "memory/rundlet").iterdir()) == []
