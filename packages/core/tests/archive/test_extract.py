"""Extraction: what an archive says is on disk, and nothing of it is outside of the root."""

import errno
import io
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rundlet.core.archive import extract as extract_module
from rundlet.core.archive.extract import extract
from rundlet.core.archive.ids import IdMaps
from rundlet.core.archive.whiteouts import DELETE, OVERLAY, OVERLAY_USER, PLAIN, Whiteouts
from rundlet.core.contracts.storage import IdMap, LayerUsage
from rundlet.core.errors import Corrupt, NoSpace, RundletError, StoreError, UnsafeArchive

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: owners and devices")

D, S, L = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def member(
    name: str, content: bytes | None = None, kind: bytes | None = None, link: str = "", **more: Any
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind or (tarfile.REGTYPE if content is not None else tarfile.DIRTYPE)
    info.linkname = link
    info.mode = 0o755 if info.type == tarfile.DIRTYPE else 0o644
    info.size = len(content or b"")
    for key, value in more.items():
        setattr(info, key, value)
    return info, content or b""


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape"
    ) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def unpack(root: Path, data: bytes, whiteouts: Whiteouts = OVERLAY, **options: Any) -> LayerUsage:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        return extract(io.BytesIO(data), descriptor, whiteouts=whiteouts, **options)
    finally:
        os.close(descriptor)


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory that must be as it was after the test."""
    path = tmp_path / "outside"
    path.mkdir(mode=0o700)
    (path / "precious").write_text("precious")
    (path / "precious").chmod(0o600)
    before = snapshot(path)
    yield path
    assert snapshot(path) == before


def snapshot(path: Path) -> Any:
    def facts(each: Path) -> Any:
        status = each.lstat()
        return (
            status.st_mode,
            status.st_uid,
            status.st_nlink,
            status.st_mtime_ns,
            status.st_size,
            os.listxattr(each, follow_symlinks=False),
        )

    return {str(each): facts(each) for each in [path, *path.rglob("*")]}


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


def xattr_member(name: str, kind: bytes, **xattrs: bytes) -> tuple[tarfile.TarInfo, bytes]:
    records = {
        f"SCHILY.xattr.{key.replace('__', '.')}": value.decode("utf-8", "surrogateescape")
        for key, value in xattrs.items()
    }
    return member(name, b"", kind, link="x", pax_headers=records)


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


# --- attacks


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "..", "a/..", "../../../../../../tmp/evil", "//x"],
)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, D, S, tarfile.FIFOTYPE])
def test_names_that_leave(root: Path, outside: Path, name: str, kind: bytes) -> None:
    with pytest.raises(UnsafeArchive):
        unpack(root, packed(member("a", None), member(name, b"", kind, "x")))


@pytest.mark.parametrize(
    "target", ["../outside", "{outside}", "a/../../outside", "sub/../../outside"]
)
def test_symlinks_as_parents(root: Path, outside: Path, target: str) -> None:
    """A link that leads out leads to the same name inside, as chroot would have it."""
    target = target.format(outside=outside)
    unpack(
        root,
        packed(
            member("a/sub", None),
            member("link", b"", S, target),
            member("link/precious", b"overwritten"),
            member("link/new", None),
            member("link/new/file", b"x"),
        ),
    )
    inside = root / (str(outside).lstrip("/") if target.startswith("/") else "outside")
    assert (inside / "precious").read_bytes() == b"overwritten"
    assert (inside / "new/file").read_bytes() == b"x"
    assert (root / "link").is_symlink()


def test_symlink_within_is_followed(root: Path) -> None:
    """The usual merged /usr: `lib -> usr/lib`, then `lib/x`."""
    unpack(
        root,
        packed(
            member("usr/lib", None),
            member("lib", b"", S, "usr/lib"),
            member("lib/one", b"1"),
            member("lib/sub/two", b"2"),
        ),
    )
    assert (root / "usr/lib/one").read_bytes() == b"1"
    assert (root / "usr/lib/sub/two").read_bytes() == b"2"
    assert (root / "lib").is_symlink()


def test_symlink_as_last_name_is_replaced(root: Path, outside: Path) -> None:
    for name, content in (("file", b"new"), ("dir", None)):
        unpack(
            root,
            packed(member(name, b"", S, f"{outside}/precious"), member(name, content)),
        )
        assert not (root / name).is_symlink()


def test_symlink_loop(root: Path) -> None:
    with pytest.raises(UnsafeArchive, match="too many symbolic links"):
        unpack(
            root,
            packed(member("a", b"", S, "b"), member("b", b"", S, "a"), member("a/file", b"")),
        )


def test_symlink_bomb(root: Path) -> None:
    """Each link doubles the way of the one before."""
    links = [member("l0", b"", S, "d")]
    links += [member(f"l{n}", b"", S, f"l{n - 1}/../l{n - 1}") for n in range(1, 39)]
    with pytest.raises(UnsafeArchive):
        unpack(root, packed(member("d", None), *links, member("l38/x", b"")))


@pytest.mark.parametrize(
    "target", ["../outside/precious", "{outside}/precious", ".", "link/precious"]
)
def test_hard_links_out(root: Path, outside: Path, target: str) -> None:
    with pytest.raises(Corrupt):
        unpack(
            root,
            packed(
                member("link", b"", S, str(outside)),
                member("hard", b"", L, target.format(outside=outside)),
            ),
        )


def test_hard_link_to_symlink_is_not_followed(root: Path, outside: Path) -> None:
    unpack(
        root,
        packed(
            member("link", b"", S, f"{outside}/precious"),
            member("hard", b"", L, "link"),
            member("hard", b"new", mode=0o777),
        ),
    )
    assert (root / "hard").read_bytes() == b"new"
    assert (root / "link").is_symlink()


def test_hard_link_then_write(root: Path) -> None:
    """Replacing a name of a file leaves its other names alone."""
    unpack(root, packed(member("a", b"1"), member("b", b"", L, "a"), member("b", b"22")))
    assert ((root / "a").read_bytes(), (root / "b").read_bytes()) == (b"1", b"22")


def test_hard_link_to_itself(root: Path) -> None:
    unpack(root, packed(member("a", b"1"), member("./a", b"", L, "a")))
    assert (root / "a").read_bytes() == b"1"


def test_file_as_parent(root: Path) -> None:
    with pytest.raises(UnsafeArchive, match="'a' is not a directory"):
        unpack(root, packed(member("a", b""), member("a/b", b"")))


@pytest.mark.parametrize(
    "name", [".wh.", ".wh..", ".wh...", "a/.wh..", "a/.wh...", ".wh./x", ".wh.../x"]
)
@pytest.mark.parametrize("style", [OVERLAY, DELETE])
def test_whiteout_names_that_leave(root: Path, outside: Path, name: str, style: Whiteouts) -> None:
    (root / "a").mkdir()
    (root / "a/kept").touch()
    if name.endswith("/x"):  # odd, but a plain directory's name
        unpack(root, packed(member(name, b"")), style)
    else:
        with pytest.raises(UnsafeArchive, match="of no name"):
            unpack(root, packed(member(name, b"")), style)
    assert (root / "a/kept").exists()


@pytest.mark.parametrize("name", [".wh.precious", ".wh..wh..opq", ".wh.sub"])
@pytest.mark.parametrize("style", [OVERLAY, DELETE])
def test_whiteouts_through_links(root: Path, outside: Path, name: str, style: Whiteouts) -> None:
    unpack(root, packed(member("link", b"", S, str(outside)), member(f"link/{name}", b"")), style)


def test_long_and_deep_names(root: Path) -> None:
    for name in ("x/" * 3000 + "y", "z" * 300, "a/" * 1500 + "b"):
        with pytest.raises(UnsafeArchive):
            unpack(root, packed(member(name, b"")))


def test_bomb(root: Path) -> None:
    with pytest.raises(Corrupt, match="over 100 bytes"):
        unpack(root, packed(member("a", b"x" * 60), member("b", b"x" * 41)), limit=100)
    unpack(root, packed(member("a", b"x" * 60), member("b", b"x" * 40)), limit=100)


def test_unknown_kind(root: Path) -> None:
    with pytest.raises(Corrupt, match="unknown kind"):
        unpack(root, packed(member("a", b"", b"M")))


def test_truncated(root: Path) -> None:
    with pytest.raises(Corrupt, match="truncated"):
        unpack(root, packed(member("a", b"x" * 1000))[:1000])


def test_full_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, piece: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(extract_module, "_write", full)
    with pytest.raises(NoSpace, match="unpacking a"):
        unpack(root, packed(member("a", b"x")))


PARTS = st.sampled_from(["a", "b", "c", "..", ".", "", "/", "link", ".wh.a", ".wh..wh..opq"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(PATHS, st.sampled_from([tarfile.REGTYPE, D, S, L, tarfile.FIFOTYPE]), PATHS),
        max_size=10,
    ),
    st.sampled_from([OVERLAY_USER, DELETE, PLAIN]),
)
def test_nothing_outside_is_touched(
    tmp_path_factory: pytest.TempPathFactory,
    members: list[tuple[str, bytes, str]],
    style: Whiteouts,
) -> None:
    """Any archive of awkward names and links: typed errors at most, all inside the root."""
    base = tmp_path_factory.mktemp("attack")
    (base / "root").mkdir()
    for name in ("a", "b", "c", "link"):
        (base / name).write_text("precious")
    before = snapshot(base)
    try:
        unpack(base / "root", packed(*(member(p, b"", k, t) for p, k, t in members)), style)
    except RundletError:
        pass
    after = snapshot(base)
    for path in list(after):
        if path.startswith(f"{base}/root"):
            after.pop(path)
    before.pop(f"{base}/root")
    assert after == before


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


# --- whiteouts


def is_whiteout(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


@root_only
def test_whiteouts_of_overlay(root: Path) -> None:
    unpack(
        root,
        packed(
            member("dir", None),
            member("dir/.wh.gone", b""),
            member("opaque", None),
            member("opaque/.wh..wh..opq", b""),
            member("opaque/new", b""),
            member(".wh..wh.plnk", None),
            member(".wh..wh.aufs", b""),
            member("missing/.wh.x", b""),
            member(".wh.replaced", b""),
            member("replaced", b"file"),
            member(".wh.remade", b""),
            member("remade", None),
            member("first", None),
            member(".wh.first", b""),
        ),
    )
    assert is_whiteout(root / "dir/gone")
    assert is_whiteout(root / "missing/x")
    assert os.getxattr(root / "opaque", "trusted.overlay.opaque") == b"y"
    assert (root / "replaced").read_bytes() == b"file"
    for name in ("remade", "first"):  # the layer's directory does not merge with a lower one
        assert os.getxattr(root / name, "trusted.overlay.opaque") == b"y"
    assert not any(name.startswith(".wh") for name in os.listdir(root))
    assert os.listxattr(root / "dir") == []


def test_whiteouts_that_delete(root: Path) -> None:
    for path in ("dir/gone/deep", "dir/kept", "opaque/old/deep", "opaque/own-dir", "whole/x"):
        (root / path).mkdir(parents=True)
    (root / "opaque/own-dir/old").touch()
    (root / "file").touch()
    unpack(
        root,
        packed(
            member("dir/.wh.gone", b""),
            member("dir/.wh.never-there", b""),
            member("nowhere/.wh.x", b""),
            member("opaque/own", b""),
            member("opaque/own-dir/new", b""),
            member("opaque/.wh..wh..opq", b""),
            member(".wh.file", b""),
            member("file", b"new"),
            member("whole/new", b""),
            member(".wh.whole", b""),
        ),
        DELETE,
    )
    assert tree(root) == [
        "dir",
        "dir/kept",
        "file",
        "opaque",
        "opaque/own",
        "opaque/own-dir",
        "opaque/own-dir/new",
        "whole",
        "whole/new",
    ]


def test_plain_archives_have_no_whiteouts(root: Path) -> None:
    unpack(root, packed(member(".wh.x", b"a file")), PLAIN)
    assert (root / ".wh.x").read_bytes() == b"a file"


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
