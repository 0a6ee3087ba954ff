"""Compiled seccomp filters: each profile is compiled once, and nobody gets another's."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.runtimes.crun import Crun
from rundlet.core.runtimes.filters import ANNOTATION, Filters

if TYPE_CHECKING:
    from devtools.tool import Rundlet

PROFILE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}],
}
PROGRAM = bytes(range(16))


@pytest.fixture
def compiled(tmp_path: Path) -> str:
    path = tmp_path / "seccomp.bpf"
    path.write_bytes(PROGRAM)
    return str(path)


@pytest.fixture
def filters(tmp_path: Path) -> Filters:
    (tmp_path / "crun").touch()
    return Filters(str(tmp_path / "filters"), str(tmp_path / "crun"))


def test_a_profile_is_found_again(filters: Filters, compiled: str) -> None:
    assert filters.find(PROFILE) == ""
    filters.keep(PROFILE, compiled)
    assert base64.b64decode(filters.find(dict(PROFILE))) == PROGRAM


def test_another_profile_is_not(filters: Filters, compiled: str) -> None:
    filters.keep(PROFILE, compiled)
    assert filters.find({**PROFILE, "defaultErrnoRet": 38}) == ""


def test_nor_after_another_binary_was_installed(
    filters: Filters, compiled: str, tmp_path: Path
) -> None:
    filters.keep(PROFILE, compiled)
    (tmp_path / "crun").write_text("new")
    assert filters.find(PROFILE) == ""


def test_nor_with_the_same_checksum(filters: Filters, compiled: str, tmp_path: Path) -> None:
    filters.keep(PROFILE, compiled)
    (kept,) = (tmp_path / "filters").iterdir()
    other = Path(filters._path(filters._key({"defaultAction": "SCMP_ACT_KILL"})))
    kept.rename(other)
    assert filters.find({"defaultAction": "SCMP_ACT_KILL"}) == ""


@pytest.mark.parametrize("content", [b"", b"odd", bytes(40000)])
def test_what_is_no_filter_is_not_kept(filters: Filters, compiled: str, content: bytes) -> None:
    Path(compiled).write_bytes(content)
    filters.keep(PROFILE, compiled)
    assert filters.find(PROFILE) == ""


def test_a_kept_filter_goes_into_the_spec(tmp_path: Path, compiled: str) -> None:
    driver = Crun(RuntimeConfig(root=tmp_path / "crun"))
    driver._filters().keep(PROFILE, compiled)
    adapted = driver.adapt({"linux": {"seccomp": PROFILE}}).spec
    assert base64.b64decode(adapted["annotations"][ANNOTATION]) == PROGRAM
    assert adapted["linux"]["seccomp"] == PROFILE  # for a crun that does not know the annotation


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ({"linux": {"seccomp": {**PROFILE, "listenerPath": "/run/x"}}}, {}),
        ({"linux": {"seccomp": PROFILE}, "annotations": {ANNOTATION: "the user's"}}, {}),
        ({"linux": {"seccomp": PROFILE}}, {"keep_filters": False}),
        ({"linux": {}}, {}),
    ],
)
def test_specs_that_are_left_alone(
    tmp_path: Path, compiled: str, spec: dict[str, Any], options: dict[str, Any]
) -> None:
    driver = Crun(RuntimeConfig(root=tmp_path / "crun", options=options))
    driver._filters().keep(PROFILE, compiled)
    assert driver.adapt(spec).spec == spec


def test_real_containers_get_the_same_filter(rundlet: Rundlet, busybox_archive: Path) -> None:
    """The first one's is compiled, the second one's was kept; unconfined has none."""
    rundlet("load", "-q", "-i", str(busybox_archive))
    words = ("run", "--network", "none", "--runtime", "crun", "--name")
    state = rundlet.directory / "run/oci/crun"
    seen = []
    for name in ("first", "second"):
        rundlet(*words, name, "-d", "busybox", "sleep", "100")
        identity = rundlet("inspect", "-f", "{{.Id}}", name).stdout.strip()
        seen.append((state / identity / "seccomp.bpf").read_bytes())
        config = (rundlet.directory / "root/containers" / identity / "config.json").read_text()
        assert (ANNOTATION in config) == (name == "second")
        inside = rundlet("exec", name, "grep", "Seccomp", "/proc/self/status").stdout
        assert inside.split() == ["Seccomp:", "2", "Seccomp_filters:", "1"]
    assert seen[0] == seen[1]
    unconfined = ("--security-opt", "seccomp=unconfined", "busybox", "grep", "Seccomp:")
    done = rundlet(*words, "third", *unconfined, "/proc/self/status").stdout
    assert done.split() == ["Seccomp:", "0"]
    assert len(os.listdir(f"{state}.filters")) == 1
    subprocess.run(["rm", "-rf", f"{state}.filters"], check=True)
    rundlet("run", "--rm", "--network", "none", "--runtime", "crun", "busybox", "true")
