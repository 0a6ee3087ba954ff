"""crun is started from a sealed copy in memory, and so does not start itself again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.errors import DriverUnavailable
from rundlet.core.runtimes.crun import Crun
from rundlet.core.runtimes.sealed import sealed


@pytest.fixture
def program(tmp_path: Path) -> str:
    return shutil.copy("/bin/true", tmp_path / "program")


def crun(root: Path, **options: object) -> Crun:
    driver = Crun(RuntimeConfig(root=str(root), options=options))
    try:
        assert driver.path
    except DriverUnavailable:
        pytest.skip("crun is not installed")
    return driver


def test_a_copy_runs_and_nobody_can_change_it(program: str) -> None:
    copy = sealed(program)
    assert copy != program
    assert subprocess.run([copy], check=False).returncode == 0
    with open(copy, "r+b", buffering=0) as file, pytest.raises(PermissionError):
        file.write(b"x")


def test_there_is_one_copy_until_the_binary_changes(program: str) -> None:
    copy = sealed(program)
    assert sealed(program) == copy
    shutil.copy("/bin/false", program)
    assert subprocess.run([sealed(program)], check=False).returncode == 1


def test_a_script_is_started_from_where_it_is(tmp_path: Path) -> None:
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\n")
    assert sealed(str(script)) == str(script)


def test_so_is_all_where_no_copy_can_be_made(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, flags: int) -> int:
        raise PermissionError(13, "vm.memfd_noexec")

    monkeypatch.setattr(os, "memfd_create", refuse)
    assert sealed(program) == program


def test_crun_starts_itself_again_only_from_its_file(tmp_path: Path) -> None:
    assert _starts(crun(tmp_path), tmp_path) == 1
    assert _starts(crun(tmp_path, sealed=False), tmp_path) == 2


def _starts(driver: Crun, directory: Path) -> int:
    """How often one call of the runtime starts a program."""
    log = directory / "strace"
    traced = ["strace", "-f", "-o", str(log), "-e", "trace=execve,execveat"]
    subprocess.run(
        [*traced, driver.program(), *driver.arguments(), "state", "none"],
        capture_output=True,
        check=False,
    )
    return log.read_text().count("exec")


def test_a_runtime_of_another_name_is_started_by_it(tmp_path: Path) -> None:
    """crun is krun when it is started as that."""
    other = tmp_path / "krun"
    other.symlink_to(crun(tmp_path).path)
    driver = Crun(RuntimeConfig(root=str(tmp_path), path=str(other)))
    assert driver.program() == str(other)
