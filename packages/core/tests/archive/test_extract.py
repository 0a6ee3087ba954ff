"""Extraction: what an archive says is on disk, and nothing of it is outside of the root."""

import os
import stat
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rundlet.core.archive.ids import IdMaps
from rundlet.core.archive.whiteouts import DELETE
from rundlet.core.contracts.storage import IdMap, LayerUsage
from rundlet.core.errors import StoreError, UnsafeArchive

from .unpacking import D, L, S, is_whiteout, member, packed, root_only, tree, unpack, xattr_member

# --- what is made


@root_only
def test_everything(root: Path) -> None:
    usage = unpack(
        root,
        packed(
            member("dir", mode=0o2750, uid=5, gid=6, mtime=1000),
            member("dir/file", b"content", mode=0o4711, uid=7, gid=8, mtime=2000),
            member("dir/hard", b"", L, "dir/file"),
            member("dir/soft", b"", S, "/anything/at all", uid=9, mtime=3000),
            member("char", b"", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
            member("block", b"", tarfile.BLKTYPE, devmajor=7, devminor=200, mode=0o660),
            member("fifo", b"", tarfile.FIFOTYPE, mode=0o622),
            member("sticky", mode=0o1777),
            member("read-only", mode=0o555),
            member("read-only/file", b"x"),
            member("implicit/parents/file", b"12345"),
        ),
    )
    assert usage == LayerUsage(size=13, inodes=12)
    directory, file = (root / "dir").stat(), (root / "dir/file").stat()
    assert (stat.S_IMODE(directory.st_mode), directory.st_uid, directory.st_gid) == (0o2750, 5, 6)
    assert directory.st_mtime_ns == 1000 * 10**9
    assert (stat.S_IMODE(file.st_mode), file.st_uid, file.st_gid) == (0o4711, 7, 8)
    assert (file.st_mtime_ns, file.st_nlink) == (2000 * 10**9, 2)
    soft = (root / "dir/soft").lstat()
    assert os.readlink(root / "dir/soft") == "/anything/at all"
    assert (soft.st_uid, soft.st_mtime_ns) == (9, 3000 * 10**9)
    char, block = (root / "char").stat(), (root / "block").stat()
    assert (char.st_mode, char.st_rdev) == (stat.S_IFCHR | 0o666, os.makedev(1, 3))
    assert (block.st_mode, block.st_rdev) == (stat.S_IFBLK | 0o660, os.makedev(7, 200))
    assert (root / "fifo").stat().st_mode == stat.S_IFIFO | 0o622
    assert (root / "sticky").stat().st_mode == stat.S_IFDIR | 0o1777
    assert (root / "read-only").stat().st_mode == stat.S_IFDIR | 0o555
    assert (root / "implicit").stat().st_mode == stat.S_IFDIR | 0o755


def test_umask_does_not_matter(root: Path) -> None:
    before = os.umask(0o077)
    try:
        unpack(root, packed(member("a", b"", mode=0o666), member("b", mode=0o777)))
    finally:
        assert os.umask(before) == 0o077
    assert (root / "a").stat().st_mode == stat.S_IFREG | 0o666
    assert (root / "b").stat().st_mode == stat.S_IFDIR | 0o777


@root_only
def test_xattrs(root: Path) -> None:
    capability = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    unpack(
        root,
        packed(
            xattr_member("file", tarfile.REGTYPE, user__a=b"1", security__capability=capability),
            xattr_member("dir", D, user__b=b"2"),
            xattr_member("link", S, trusted__c=b"3", user__not=b"for links"),
            xattr_member("fifo", tarfile.FIFOTYPE, trusted__d=b"4"),
            xattr_member(
                "evil", D, trusted__overlay__opaque=b"y", trusted__overlay__redirect=b"/lower"
            ),
        ),
    )
    read = {
        name: {
            key: os.getxattr(root / name, key, follow_symlinks=False)
            for key in os.listxattr(root / name, follow_symlinks=False)
        }
        for name in ("file", "dir", "link", "fifo", "evil")
    }
    assert read == {
        "file": {"user.a": b"1", "security.capability": capability},
        "dir": {"user.b": b"2"},
        "link": {"trusted.c": b"3"},
        "fifo": {"trusted.d": b"4"},
        "evil": {},
    }


def test_sparse_holes_are_kept(root: Path, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.write(b"start")
        file.seek(50_000_000)
        file.write(b"end")
        file.truncate(60_000_000)
    archive = tmp_path / "big.tar"
    subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cf", archive, "big"], check=True)
    usage = unpack(root, archive.read_bytes())
    made = (root / "big").stat()
    assert made.st_size == 60_000_000
    assert made.st_blocks * 512 < 1_000_000
    assert usage.size < 1_000_000
    assert (root / "big").read_bytes() == big.read_bytes()


@root_only
def test_id_maps(root: Path) -> None:
    ids = IdMaps((IdMap(0, 100000, 1000),), (IdMap(0, 200000, 1000),))
    unpack(root, packed(member("a/b", b"", uid=5, gid=6)), ids=ids)
    assert ((root / "a/b").stat().st_uid, (root / "a/b").stat().st_gid) == (100005, 200006)
    assert ((root / "a").stat().st_uid, (root / "a").stat().st_gid) == (100000, 200000)
    with pytest.raises(StoreError, match="uid 1000 is not in the id map"):
        unpack(root, packed(member("c", b"", uid=1000)), ids=ids)


def test_as_gnu_tar_unpacks(root: Path, tmp_path: Path, busybox_rootfs: Path) -> None:
    archive = tmp_path / "busybox.tar"
    subprocess.run(["tar", "-C", busybox_rootfs, "-cf", archive, "."], check=True)
    unpack(root, archive.read_bytes())
    difference = subprocess.run(
        ["tar", "-C", root, "-df", archive], capture_output=True, text=True, check=False
    )
    assert (difference.returncode, difference.stdout) == (0, "")


def test_threads(tmp_path: Path) -> None:
    data = packed(*(member(f"d{n % 7}/f{n}", b"x" * n) for n in range(300)))
    roots = [tmp_path / str(number) for number in range(6)]
    for path in roots:
        path.mkdir()
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda path: unpack(path, data), roots))) == 1
    assert all(tree(path) == tree(roots[0]) for path in roots)


def test_no_descriptor_is_left(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    data = packed(*(member(f"a{n}/b/c/{n}", b"x") for n in range(200)), member("../x", b""))
    with pytest.raises(UnsafeArchive):
        unpack(root, data)
    assert os.listdir("/proc/self/fd") == before


CONFINED = """
import os, sys
from rundlet.core.archive.extract import extract
from rundlet.core.archive.whiteouts import OVERLAY_USER
root = os.open(sys.argv[2], os.O_RDONLY)
with open(sys.argv[1], "rb") as file:
    extract(file, root, whiteouts=OVERLAY_USER, ignore_chown_errors=sys.argv[3] == "ignore")
"""


@pytest.mark.parametrize("ignore", ["", "ignore"])
def test_in_a_user_namespace(root: Path, tmp_path: Path, ignore: str) -> None:
    """One id only: no devices (as podman rootless), owners refused with a remedy or ignored."""
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces are not allowed here")
    archive = tmp_path / "a.tar"
    archive.write_bytes(
        packed(
            member("file", b"x", mode=0o644),
            member("device", b"", tarfile.CHRTYPE, devmajor=1, devminor=3),
            xattr_member("dir", D, trusted__a=b"b", user__c=b"d"),
            member("dir/.wh.gone", b""),
            member("theirs", b"x", uid=1000, gid=1000),
            member("link", b"", S, "x", uid=1000),
        )
    )
    done = subprocess.run(
        ["unshare", "-Ur", sys.executable, "-c", CONFINED, archive, root, ignore],
        capture_output=True,
        text=True,
        check=False,
    )
    if ignore:
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(os.listdir(root)) == ["dir", "file", "link", "theirs"]
        assert is_whiteout(root / "dir/gone")
        assert os.listxattr(root / "dir") == ["user.c"]
    else:
        assert "StoreError: may not give files to 1000:1000" in done.stderr
        assert "/etc/subuid" in done.stderr


# --- what is there already


def test_replacing(root: Path) -> None:
    (root / "file").write_text("old")
    (root / "dir/sub").mkdir(parents=True)
    (root / "dir/sub/kept").touch()
    (root / "becomes-file/sub/deep").mkdir(parents=True)
    (root / "becomes-dir").write_text("old")
    unpack(
        root,
        packed(
            member("file", b"new"),
            member("dir", None, mode=0o700),
            member("becomes-file", b"x"),
            member("becomes-dir", None),
            member("becomes-dir/in", b"x"),
        ),
        DELETE,
    )
    assert tree(root) == [
        "becomes-dir",
        "becomes-dir/in",
        "becomes-file",
        "dir",
        "dir/sub",
        "dir/sub/kept",
        "file",
    ]
    assert (root / "file").read_text() == "new"


def test_directory_times_survive_what_comes_later(root: Path) -> None:
    unpack(
        root,
        packed(
            member("d", None, mtime=5000),
            member("d/e", None, mtime=6000),
            member("d/e/f", b""),
            member("d/e", b"", mtime=7000),
            member("./", None, mtime=8000, mode=0o711),
        ),
    )
    assert (root / "d").stat().st_mtime == 5000
    assert (root / "d/e").stat().st_mtime == 7000
    assert (root.stat().st_mtime, stat.S_IMODE(root.stat().st_mode)) == (8000, 0o711)


def test_deep_trees_are_removed(root: Path) -> None:
    """Deeper than Python's recursion limit or the number of descriptors allow."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    unpack(root, packed(member("d", b"now a file")), DELETE)
    assert tree(root) == ["d"]
