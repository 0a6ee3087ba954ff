"""Archives of trees: unpacked again they are the same tree, and others can read them."""

import errno
import io
import os
import socket
import stat
import subprocess
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rundlet.core.archive import xattrs as attributes
from rundlet.core.archive.create import write_tree
from rundlet.core.archive.extract import extract
from rundlet.core.archive.ids import IdMaps
from rundlet.core.archive.read import entries
from rundlet.core.archive.whiteouts import DELETE, OVERLAY, OVERLAY_USER, PLAIN, Whiteouts
from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import NoSpace, StoreError

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: owners and devices")


def pack(root: Path, style: Whiteouts = OVERLAY, **options: Any) -> bytes:
    out = io.BytesIO()
    assert write_tree(str(root), out, whiteouts=style, **options) == ()
    return out.getvalue()


def unpack(root: Path, data: bytes, style: Whiteouts = OVERLAY, **options: Any) -> None:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        extract(io.BytesIO(data), descriptor, whiteouts=style, **options)
    finally:
        os.close(descriptor)


def facts(root: Path) -> dict[str, Any]:
    """Everything of a tree that an archive keeps, but the root's own attributes."""
    found: dict[str, Any] = {}
    first: dict[int, str] = {}
    for path in sorted(root.rglob("*"), key=os.fsencode):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        content: Any = None
        if kind == stat.S_IFREG:
            content = path.read_bytes()
        elif kind == stat.S_IFLNK:
            content = os.readlink(path)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            content = status.st_rdev
        xattrs = {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
        }
        name = str(path.relative_to(root))
        found[name] = (
            status.st_mode,
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
            content,
            xattrs,
            first.setdefault(status.st_ino, name),
        )
    return found


NAMES = st.one_of(
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1)
    .map(lambda text: text[:60])
    .filter(lambda text: text not in (".", "..") and not text.startswith(".wh.")),
    st.just("x" * 200),
    st.binary(min_size=1, max_size=20)
    .filter(lambda raw: b"/" not in raw and b"\0" not in raw and raw not in (b".", b".."))
    .map(os.fsdecode)
    .filter(lambda text: not text.startswith(".wh.")),
)
TIMES = st.integers(-(2**31), 2**34).flatmap(
    lambda seconds: st.sampled_from([0, 1, 999_999_999, 500_000_000]).map(
        lambda fraction: seconds * 10**9 + fraction
    )
)
LEAVES = st.sampled_from(["file", "link", "hard", "char", "block", "fifo"])


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> list[tuple[str, str, Any]]:
    """(name, kind, what) for each member; a directory's `what` is a tree."""
    items = []
    for name in draw(st.lists(NAMES, max_size=4, unique_by=os.fsencode)):
        if depth and draw(st.booleans()):
            items.append((name, "dir", (draw(trees(depth - 1)), draw(ATTRIBUTES))))
        else:
            items.append((name, draw(LEAVES), (draw(st.binary(max_size=700)), draw(ATTRIBUTES))))
    return items


ATTRIBUTES = st.tuples(
    st.integers(0, 0o7777),
    st.integers(0, 2**32 - 2),
    st.integers(0, 2**32 - 2),
    TIMES,
    st.dictionaries(st.sampled_from(["a", "b.c", "long" * 20]), st.binary(max_size=40), max_size=2),
)


def build(root: Path, items: list[tuple[str, str, Any]], files: list[Path]) -> None:
    for name, kind, (what, (mode, uid, gid, mtime, xattrs)) in items:
        path = root / name
        if kind == "dir":
            path.mkdir()
            build(path, what, files)
        elif kind == "link":
            os.symlink(what.replace(b"\0", b"0")[:300] or b"x", path)
        elif kind == "char":
            os.mknod(path, stat.S_IFCHR, os.makedev(1 + mode % 100, uid % 1000))
        elif kind == "block":
            os.mknod(path, stat.S_IFBLK, os.makedev(1, mode % 256))
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "hard" and files:
            os.link(files[-1], path)
            continue
        else:
            path.write_bytes(what * 50)
            files.append(path)
        os.chown(path, uid, gid, follow_symlinks=False)
        if kind != "link":
            path.chmod(mode)
        prefix = "user." if kind in ("dir", "file", "hard") else "trusted."
        for key, value in xattrs.items():
            os.setxattr(path, prefix + key, value, follow_symlinks=False)
        os.utime(path, ns=(mtime, mtime), follow_symlinks=False)


@root_only
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees())
def test_roundtrip(
    tmp_path_factory: pytest.TempPathFactory, items: list[tuple[str, str, Any]]
) -> None:
    """extract(write_tree(x)) == x, and the archive of the copy is the same bytes."""
    base = tmp_path_factory.mktemp("roundtrip")
    first, second = base / "first", base / "second"
    first.mkdir()
    second.mkdir()
    build(first, items, [])
    data = pack(first)
    unpack(second, data)
    assert facts(second) == facts(first)
    assert pack(second) == data


@root_only
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees())
def test_tarfile_and_gnu_tar_read_it(
    tmp_path_factory: pytest.TempPathFactory, items: list[tuple[str, str, Any]]
) -> None:
    base = tmp_path_factory.mktemp("others")
    (base / "tree").mkdir()
    build(base / "tree", items, [])
    data = pack(base / "tree")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        theirs = [(info.name, info.size, info.mode, info.uid, info.gid) for info in archive]
    ours = [
        (each.name.rstrip("/"), each.size, each.mode, each.uid, each.gid)
        for each in entries(io.BytesIO(data))
    ]
    assert theirs == ours
    (base / "tree.tar").write_bytes(data)
    difference = subprocess.run(
        ["tar", "--numeric-owner", "-C", base / "tree", "-df", base / "tree.tar"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (difference.returncode, difference.stderr) == (0, ""), difference


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "tree"
    path.mkdir()
    return path


def listed(data: bytes) -> list[str]:
    return [each.name for each in entries(io.BytesIO(data))]


@root_only
@pytest.mark.parametrize("style", [OVERLAY, OVERLAY_USER])
def test_whiteouts(tree: Path, style: Whiteouts) -> None:
    (tree / "opaque/sub").mkdir(parents=True)
    os.setxattr(tree / "opaque", style.xattr, b"y")
    os.setxattr(tree, style.xattr, b"y")
    os.mknod(tree / "opaque/gone", stat.S_IFCHR, 0)
    os.mknod(tree / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    data = pack(tree, style)
    assert listed(data) == [
        ".wh..wh..opq",
        "null",
        "opaque/",
        "opaque/.wh..wh..opq",
        "opaque/.wh.gone",
        "opaque/sub/",
    ]
    again = tree.parent / "again"
    again.mkdir()
    unpack(again, data, style)
    before, after = facts(tree), facts(again)
    for each in (before, after):  # a whiteout has nothing but its place
        assert stat.S_ISCHR(each.pop("opaque/gone")[0])
    assert after == before
    assert os.getxattr(again, style.xattr) == b"y"


def test_only_and_removed(tree: Path) -> None:
    for path in ("a/b/c", "d/e"):
        (tree / path).mkdir(parents=True)
        (tree / path / "file").write_text("x")
    data = pack(tree, DELETE, only=["a/b/c/file", "d", "not/there"], removed=["a/b/old", "gone"])
    assert listed(data) == [".wh.gone", "a/b/.wh.old", "a/b/c/file", "d/"]


def test_sockets_are_left_out(tree: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tree)
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    out = io.BytesIO()
    assert write_tree(str(tree), out, whiteouts=PLAIN) == ("socket: sockets cannot be archived",)
    assert listed(out.getvalue()) == []


@root_only
def test_ids(tree: Path) -> None:
    (tree / "file").touch()
    os.chown(tree / "file", 100005, 200006)
    ids = IdMaps((IdMap(0, 100000, 1000),), (IdMap(0, 200000, 1000),))
    (entry,) = entries(io.BytesIO(pack(tree, ids=ids)))
    assert (entry.uid, entry.gid) == (5, 6)
    os.chown(tree / "file", 99, 200006)
    with pytest.raises(StoreError, match="uid 99"):
        pack(tree, ids=ids)


@pytest.mark.parametrize("change", [lambda size: size // 2, lambda size: size * 2])
def test_files_that_change_meanwhile(
    tree: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[int], int]
) -> None:
    """The size in the header stands, the archive stays whole, and a warning says so."""
    (tree / "log").write_bytes(b"x" * 1_000_000)
    (tree / "next").write_bytes(b"next")
    real = attributes.kept

    def meddling(target: int | bytes) -> dict[bytes, bytes]:
        if isinstance(target, int) and os.readlink(f"/proc/self/fd/{target}").endswith("/log"):
            os.truncate(tree / "log", change(1_000_000))
        return real(target)

    monkeypatch.setattr(attributes, "kept", meddling)
    out = io.BytesIO()
    (warning,) = write_tree(str(tree), out, whiteouts=PLAIN)
    assert warning.startswith("log: ")
    found = {each.name: each.read() for each in entries(io.BytesIO(out.getvalue()))}
    assert {name: len(content) for name, content in found.items()} == {"log": 1_000_000, "next": 4}


def test_tree_in_motion(tree: Path) -> None:
    """Names that vanish and turn into links while the tree is walked: a whole archive."""
    (tree.parent / "secret").write_text("secret")
    for number in range(50):
        (tree / f"d{number}").mkdir()
        (tree / f"d{number}/file").write_text("x")
    stop = threading.Event()

    def stir() -> None:
        number = 0
        while not stop.is_set():
            path = tree / f"d{number % 50}"
            path.rename(tree / "moved")
            os.symlink("..", path)
            path.unlink()
            (tree / "moved").rename(path)
            number += 1

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(20):
            out = io.BytesIO()
            write_tree(str(tree), out, whiteouts=PLAIN)
            found = listed(out.getvalue())
            assert not any("secret" in name for name in found)
    finally:
        stop.set()
        thread.join()


def test_names_as_go_writes_them(tree: Path) -> None:
    """ustar alone where it can: no PAX header for plain names, ids and whole seconds."""
    long = tree / ("d" * 90) / ("e" * 50)
    long.mkdir(parents=True)
    (long / "file").touch()
    for path in (long / "file", long, long.parent):
        os.utime(path, (1000, 1000))
    assert b"PaxHeaders" not in pack(tree)
    (tree / "ü").touch()
    assert b"PaxHeaders.0" in pack(tree)


def test_sparse_content_is_plain(tree: Path) -> None:
    with (tree / "sparse").open("wb") as file:
        file.truncate(3_000_000)
    (entry,) = entries(io.BytesIO(pack(tree)))
    assert (entry.size, entry.extents) == (3_000_000, None)


@pytest.mark.parametrize(("number", "expected"), [(errno.ENOSPC, NoSpace), (errno.EIO, StoreError)])
def test_failing_output(tree: Path, number: int, expected: type[Exception]) -> None:
    class Failing(io.RawIOBase):
        def write(self, data: Any, /) -> int:
            raise OSError(number, os.strerror(number))

    (tree / "file").touch()
    out: Any = Failing()
    with pytest.raises(expected, match="file: "):
        write_tree(str(tree), out, whiteouts=PLAIN)


def test_large_sizes(tree: Path) -> None:
    """Beyond 8 GiB the size needs a PAX record."""

    class Counting(io.RawIOBase):
        head = b""
        count = 0

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.head += bytes(data[: max(0, 2000 - len(self.head))])
            self.count += len(data)
            if self.count > 1 << 20:
                raise StopIteration
            return len(data)

    with (tree / "large").open("wb") as file:
        file.truncate(9 << 30)
    out: Any = Counting()
    with pytest.raises(StopIteration):
        write_tree(str(tree), out, whiteouts=PLAIN)
    with tarfile.open(fileobj=io.BytesIO(out.head)) as archive:
        assert [info.size for info in [archive.next()] if info] == [9 << 30]
