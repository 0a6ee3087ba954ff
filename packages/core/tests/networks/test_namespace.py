"""Namespaces that are pinned to files, in the kernel."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rundlet.core.errors import NetworkError
from rundlet.core.linux import syscalls
from rundlet.core.networks.namespace import create_namespace, remove_namespace


def _inside(path: Path, *words: str) -> str:
    result = subprocess.run(
        ["nsenter", f"--net={path}", *words], capture_output=True, text=True, check=True
    )
    return result.stdout


def test_a_namespace_has_its_loopback_up_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "netns" / "one"
    before = os.readlink("/proc/thread-self/ns/net")
    create_namespace(str(path))
    try:
        assert os.readlink("/proc/thread-self/ns/net") == before
        links = _inside(path, "ip", "-o", "link").splitlines()
        assert [line.split()[1] for line in links] == ["lo:"]
        assert ",UP" in links[0]
    finally:
        remove_namespace(str(path))
    assert not path.exists()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_one_that_exists_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "one"
    create_namespace(str(path))
    inode = path.stat().st_ino
    try:
        with pytest.raises(NetworkError, match="exists already"):
            create_namespace(str(path))
        assert path.stat().st_ino == inode
    finally:
        remove_namespace(str(path))


def test_removing_what_is_gone_or_half_made(tmp_path: Path) -> None:
    path = tmp_path / "one"
    remove_namespace(str(path))
    path.touch()  # killed between the file and the mount
    remove_namespace(str(path))
    assert not path.exists()


def test_a_failure_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(flags: int) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(syscalls, "unshare", refuse)
    with pytest.raises(NetworkError, match="not permitted"):
        create_namespace(str(tmp_path / "one"))
    assert list(tmp_path.iterdir()) == []
