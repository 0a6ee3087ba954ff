"""System calls by ctypes: what they do, and errors that name the path."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from rundlet.core.linux import inotify, syscalls


def test_exchange(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.mkdir()
    syscalls.exchange(str(one), str(other))
    assert one.is_dir()
    assert other.read_text() == "1"
    with pytest.raises(OSError, match="No such file"):
        syscalls.exchange(str(one), str(tmp_path / "none"))


def test_mount_and_unmount(tmp_path: Path) -> None:
    target = tmp_path / "with space"
    target.mkdir()
    syscalls.mount("tmpfs", str(target), "tmpfs", 0, "size=1m")
    try:
        assert target.is_mount()
    finally:
        syscalls.unmount(str(target))
    assert not target.is_mount()


def test_errors_name_the_path(tmp_path: Path) -> None:
    for call in (
        lambda: syscalls.mount("x", str(tmp_path / "none"), "tmpfs"),
        lambda: syscalls.unmount(str(tmp_path / "none")),
        lambda: inotify.Watch(str(tmp_path / "none"), inotify.IN_CREATE),
    ):
        with pytest.raises(OSError) as caught:
            call()
        assert "none" in str(caught.value)


def test_namespaces_of_a_thread() -> None:
    """unshare and setns are of the thread that calls, not of its process."""
    path = "/proc/thread-self/ns/net"
    seen: list[str] = []

    def other() -> None:
        before = os.open(path, os.O_RDONLY)
        seen.append(os.readlink(path))
        syscalls.unshare(syscalls.CLONE_NEWNET)
        seen.append(os.readlink(path))
        syscalls.setns(before, syscalls.CLONE_NEWNET)
        seen.append(os.readlink(path))
        os.close(before)

    here = os.readlink(path)
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen[0] == seen[2] == here != seen[1]
    assert os.readlink(path) == here


def test_a_watch_tells_names(tmp_path: Path) -> None:
    with inotify.Watch(str(tmp_path), inotify.IN_CREATE | inotify.IN_MOVED_TO) as watch:
        assert watch.drain() == []
        (tmp_path / "a").touch()
        (tmp_path / "a").rename(tmp_path / "longer name")
        assert watch.drain() == ["a", "longer name"]
        assert watch.drain() == []
