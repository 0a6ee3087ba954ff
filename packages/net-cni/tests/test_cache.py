"""Notes on disk: whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import NetworkError
from rundlet.core.linux import syscalls
from rundlet.net_cni.cache import Cache, Record

RECORD = Record("c" * 64, "eth0", "/run/netns/x", "net", 7, {"name": "net"}, {"ips": ["1.2.3.4"]})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(str(tmp_path / "cni"))


def test_roundtrip(cache: Cache) -> None:
    other = RECORD.replace(interface="eth1", result={"ips": []}, complete=True)
    cache.write(other)
    cache.write(RECORD)
    assert cache.of(RECORD.container) == [RECORD, other]
    cache.write(RECORD.replace(complete=True))
    assert cache.of(RECORD.container)[0].complete
    assert list(cache.all()) == cache.of(RECORD.container)
    cache.remove(RECORD.container, "eth0")
    cache.remove(RECORD.container, "eth0")
    cache.remove(RECORD.container, "eth1")
    assert cache.containers() == []
    assert cache.of(RECORD.container) == []


def test_private(cache: Cache) -> None:
    cache.write(RECORD)
    assert os.stat(os.path.join(cache.directory, RECORD.container)).st_mode & 0o77 == 0


def test_what_a_killed_writer_left_is_removed_with_the_container(cache: Cache) -> None:
    cache.write(RECORD)
    directory = Path(cache.directory, RECORD.container)
    (directory / "eth0.json.12345").write_text("{")
    assert cache.of(RECORD.container) == [RECORD]
    cache.remove(RECORD.container, "eth0")
    assert not directory.exists()


@given(data=st.binary(max_size=100) | st.sampled_from([b"{}", b"[]", b'{"container": 1}']))
def test_damaged_notes_are_not_there(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("cache")
    (directory / "c").mkdir()
    (directory / "c" / "eth0.json").write_bytes(data)
    assert Cache(str(directory)).of("c") == []


def test_a_directory_that_cannot_be(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "cni").write_text("in the way")
    with pytest.raises(NetworkError, match="cannot write"):
        cache.write(RECORD)


def test_a_full_disk_loses_nothing(cache: Cache) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    os.makedirs(cache.directory)
    syscalls.mount("tmpfs", cache.directory, "tmpfs", data="size=64k")
    try:
        cache.write(RECORD)
        with pytest.raises(NetworkError, match="No space left on device"):
            cache.write(RECORD.replace(result={"text": "x" * 100_000}))
        assert cache.of(RECORD.container) == [RECORD]
        assert len(os.listdir(os.path.join(cache.directory, RECORD.container))) == 1
    finally:
        syscalls.unmount(cache.directory)


def test_another_namespace_at_the_same_path_is_another_one(tmp_path: Path) -> None:
    there = os.stat("/proc/self/ns/net").st_ino
    record = RECORD.replace(namespace="/proc/self/ns/net", inode=there)
    assert record.attached_to() == "/proc/self/ns/net"
    assert record.replace(inode=0).attached_to() == "/proc/self/ns/net"
    assert record.replace(inode=there + 1).attached_to() == ""
    (tmp_path / "plain").touch()
    assert record.replace(namespace=str(tmp_path / "plain"), inode=0).attached_to() == ""
    assert record.replace(namespace=str(tmp_path / "gone")).attached_to() == ""
