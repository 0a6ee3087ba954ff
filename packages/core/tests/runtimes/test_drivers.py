"""What the drivers do beyond the contract: probes, wrappers, adapting, damaged state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.containers.request import ContainerRequest, Device, Mount
from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.errors import DriverUnavailable, RuntimeFailed
from rundlet.core.runtimes import crun as crun_module
from rundlet.core.runtimes import runc as runc_module
from rundlet.core.runtimes import runsc as runsc_module
from rundlet.core.runtimes.crun import Crun
from rundlet.core.runtimes.facts import facts, find
from rundlet.core.runtimes.hybrid import HybridMonitor
from rundlet.core.runtimes.runc import Runc
from rundlet.core.runtimes.runsc import Runsc
from rundlet.core.spec.capabilities import ALL
from rundlet.core.spec.generate import SpecPlan, generate
from rundlet.core.spec.host import Host


def program(path: Path, output: str, code: int = 0) -> str:
    path.write_text(f"#!/bin/sh\necho started >> {path}.starts\necho '{output}'\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def starts(path: str) -> int:
    return len(Path(f"{path}.starts").read_text().splitlines())


# --- factories


@pytest.mark.parametrize("module", [crun_module, runc_module, runsc_module])
def test_a_factory_makes_its_own_driver_only(module: Any, tmp_path: Path) -> None:
    config = RuntimeConfig(root=tmp_path)
    name = module.__name__.rpartition(".")[2]
    assert module.rundlet_oci_runtime(name, config).name == name
    assert module.rundlet_oci_runtime("other", config) is None


def test_a_runtime_of_another_name_may_be_of_a_kind(tmp_path: Path) -> None:
    config = RuntimeConfig(root=tmp_path, options={"kind": "runc"})
    made = runc_module.rundlet_oci_runtime("youki", config)
    assert made is not None
    assert made.name == "youki"
    assert Runc.name == "runc"


# --- facts and probes


def test_the_version_is_asked_once_per_binary(tmp_path: Path) -> None:
    path = program(tmp_path / "tool", "tool version 1")
    cache = str(tmp_path / "cache/facts")
    assert facts(path, cache).version == "tool version 1"
    assert facts(path, cache).version == "tool version 1"
    assert starts(path) == 1
    program(tmp_path / "tool", "tool version 2.0")
    assert facts(path, cache).version == "tool version 2.0"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}', '{"key": []}'])
def test_a_damaged_cache_is_made_again(tmp_path: Path, content: str) -> None:
    path = program(tmp_path / "tool", "tool version 1")
    (tmp_path / "facts").write_text(content)
    assert facts(path, str(tmp_path / "facts")).version == "tool version 1"


def test_an_unwritable_cache_is_no_error(tmp_path: Path) -> None:
    path = program(tmp_path / "tool", "tool version 1")
    assert facts(path, "/proc/no/facts").version == "tool version 1"


def test_probe_says_what_is_missing(tmp_path: Path) -> None:
    found = Runc(RuntimeConfig(root=tmp_path, path="/no/runc")).probe()
    assert not found.works
    assert "/no/runc is not installed" in found.reason


def test_probe_says_that_the_binary_is_broken(tmp_path: Path) -> None:
    path = program(tmp_path / "runc", "boom", 3)
    found = Runc(RuntimeConfig(root=tmp_path / "root", path=path)).probe()
    assert not found.works
    assert "failed" in found.reason


def test_a_missing_binary_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(DriverUnavailable, match="not installed"):
        Runc(RuntimeConfig(root=tmp_path, path="/no/runc")).start("x")


def test_find(tmp_path: Path) -> None:
    path = program(tmp_path / "tool", "x")
    assert find(("tool",), path) == path
    assert find(("no-such-program-here",)) == ""
    assert find(("sh",)).endswith("/sh")


def test_arguments(tmp_path: Path) -> None:
    config = RuntimeConfig(root=tmp_path / "r", args=("--debug",), systemd_cgroup=True)
    expected = ("--root", f"{tmp_path}/r", "--systemd-cgroup", "--debug")
    assert Runc(config).arguments() == expected


# --- crun on hybrid machines


def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, controllers: str | None) -> None:
    if controllers is not None:
        (tmp_path / "unified").mkdir()
        (tmp_path / "unified/cgroup.controllers").write_text(controllers)
    monkeypatch.setattr(crun_module, "UNIFIED", str(tmp_path / "unified"))
    version = "v1" if controllers is None else "hybrid"

    class Layout:
        pass

    Layout.version = version  # type: ignore[attr-defined]
    monkeypatch.setattr(crun_module, "layout", lambda _: Layout)


@pytest.mark.parametrize(
    ("controllers", "options", "expected"),
    [
        ("hugetlb\n", {}, True),
        ("hugetlb\n", {"hybrid": "direct"}, False),
        ("\n", {}, False),
        (None, {}, False),
    ],
)
def test_crun_is_run_elsewhere_only_where_it_would_refuse(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    controllers: str | None,
    options: dict[str, str],
    expected: bool,
) -> None:
    machine(monkeypatch, tmp_path, controllers)
    path = program(tmp_path / "crun", "crun version 1")
    driver = Crun(RuntimeConfig(root=tmp_path / "r", path=path, options=options))
    assert isinstance(driver.monitor(), HybridMonitor) is expected
    assert bool(driver.remark()) is expected
    assert driver.monitor_command() == (path, ("--root", f"{tmp_path}/r"))


# --- runsc


def runsc(tmp_path: Path, release: str, **options: str) -> Runsc:
    path = program(tmp_path / "runsc", f"runsc version {release}")
    return Runsc(RuntimeConfig(root=tmp_path / "r", path=path, options=options))


@pytest.mark.parametrize(
    ("release", "kernel", "expected"),
    [
        ("0.0~20221219.0", (6, 18), "host"),
        ("release-20221219.0", (6, 1), "sandbox"),
        ("release-20250101.0", (6, 18), "sandbox"),
        ("unknown", (6, 18), "host"),
    ],
)
def test_runsc_network(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    release: str,
    kernel: tuple[int, int],
    expected: str,
) -> None:
    monkeypatch.setattr(runsc_module, "_kernel", lambda: kernel)
    driver = runsc(tmp_path, release)
    assert driver.network() == expected
    assert f"--network={expected}" in driver.arguments()
    assert ("network stack" in driver.probe().reason) is (expected == "host")
    assert runsc(tmp_path, release, network="none").network() == "none"


def plan(tmp_path: Path, **fields: Any) -> SpecPlan:
    root = tmp_path / "rootfs"
    (root / "etc").mkdir(parents=True, exist_ok=True)
    (root / "etc/secret").write_text("x")
    of_plan = {key: fields.pop(key) for key in ("mounts", "network_namespace") if key in fields}
    request = ContainerRequest(command=("x",), **fields)
    return SpecPlan(request, "c", str(root), host=Host(capabilities=ALL), **of_plan)


def test_runsc_says_what_it_cannot_do(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        pid="host",
        sysctls={"net.ipv4.ip_forward": "1"},
        devices=(Device("/dev/null", "/dev/nil"),),
        cap_add=("BPF",),
        security_options=("mask=/etc/secret:/etc:/gone",),
        mounts=(
            Mount("bind", "/s", "/tmp", ("rshared",)),
            Mount("bind", "/r", "/tmp", ("rro",)),
            Mount("tmpfs", "/etc"),
            Mount("tmpfs", "/empty"),
        ),
    )
    adapted = runsc(tmp_path, "0.0~20221219.0").adapt(generate(made).spec)
    said = "\n".join(adapted.warnings)
    for words in ("pid namespace", "ip_forward", "/dev/nil", "CAP_BPF", "/s:", "/r:", "/etc:"):
        assert words in said
    assert "/empty" not in said
    linux = adapted.spec["linux"]
    assert "devices" not in linux
    assert linux["rootfsPropagation"] == "slave"
    assert {"type": "pid"} in linux["namespaces"]
    assert "CAP_BPF" not in adapted.spec["process"]["capabilities"]["bounding"]
    mounts = {m["destination"]: m for m in adapted.spec["mounts"]}
    assert mounts["/etc/secret"]["source"] == "/dev/null"
    assert "/gone" not in mounts
    assert not any("tmpcopyup" in m["options"] for m in mounts.values())


def test_runsc_flags_are_not_the_users_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runsc_module, "_kernel", lambda: (6, 1))
    made = plan(
        tmp_path, annotations={"dev.gvisor.flag.network": "host", "a": "b"}, network_namespace=None
    )
    driver = runsc(tmp_path, "0.0~20221219.0")
    found = driver.adapt(generate(made).spec).spec["annotations"]
    assert found["dev.gvisor.flag.network"] == "host"  # ours: the container is in the host's
    own = plan(tmp_path, annotations={"dev.gvisor.flag.platform": "x", "a": "b"})
    found = driver.adapt(generate(own).spec).spec["annotations"]
    assert found["a"] == "b"
    assert not any(key.startswith("dev.gvisor.flag.") for key in found)


# --- state that is not as it should be


@pytest.mark.parametrize("kind", [Runc, Crun])
def test_damaged_state_can_be_deleted(kind: type[Runc] | type[Crun], tmp_path: Path) -> None:
    driver = kind(RuntimeConfig(root=tmp_path / "r"))
    if not driver.probe().works:
        pytest.skip(driver.probe().reason)
    for name, content in (("state.json", "{"), ("status", "{")):
        home = tmp_path / "r/broken"
        home.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    assert driver.containers() == ()
    driver.delete("broken", force=True)
    assert not os.path.exists(tmp_path / "r/broken")


# --- pausing


def freezing(path: Path, status: str) -> Crun:
    """The driver over a runtime whose container is `status` the third time it is asked for."""
    path.write_text(
        f"""#!/bin/sh
echo "$3" >> {path}.calls
[ "$3" = state ] || exit 0
[ "$(grep -c state {path}.calls)" -gt 2 ] && status={status}
echo '{{"id": "c", "pid": 1, "status": "'"${{status:-running}}"'"}}'
"""
    )
    path.chmod(0o755)
    return Crun(RuntimeConfig(root=str(path.parent), path=str(path)))


def test_a_container_is_paused_when_all_of_it_stands_still(tmp_path: Path) -> None:
    driver = freezing(tmp_path / "crun", "paused")
    driver.pause("c")
    assert (tmp_path / "crun.calls").read_text().split() == ["pause", *["state"] * 3]


def test_one_that_does_not_stop_runs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crun_module, "_FREEZING", 0.05)
    driver = freezing(tmp_path / "crun", "running")
    with pytest.raises(RuntimeFailed, match="do not stop"):
        driver.pause("c")
    assert (tmp_path / "crun.calls").read_text().split()[-1] == "resume"
