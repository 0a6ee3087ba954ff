"""The reader beside Python's tarfile and GNU tar, and with damaged archives."""

import io
import os
import random
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rundlet.core.archive.entry import DIRECTORY, FILE, LINK
from rundlet.core.archive.feed import PIECE
from rundlet.core.archive.read import entries
from rundlet.core.errors import Corrupt

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

names = st.lists(
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1),
    min_size=1,
    max_size=12,
).map("/".join)


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(draw(names.filter(lambda name: not name.endswith("/"))))
    info.type = draw(
        st.sampled_from(
            [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE]
        )
    )
    info.mode = draw(st.integers(0, 0o7777))
    info.uid = draw(st.integers(0, 2**32 - 2))
    info.gid = draw(st.integers(0, 2**32 - 2))
    info.mtime = draw(st.integers(-(10**9), 2**35))
    if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        info.linkname = draw(names)
    if info.type == tarfile.CHRTYPE:
        info.devmajor, info.devminor = draw(st.integers(0, 4095)), draw(st.integers(0, 2**20))
    content = draw(st.binary(max_size=2000)) if info.type == tarfile.REGTYPE else b""
    info.size = len(content)
    return info, content


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)
        self._random = random.Random(len(data))

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._data.read(min(size or 1, self._random.randint(1, 700)))


def seen(stream: Any) -> list[tuple[Any, ...]]:
    return [
        (
            each.name.rstrip("/"),
            each.kind,
            each.mode,
            each.uid,
            each.gid,
            each.size,
            each.mtime // 10**9,
            each.target,
            each.major,
            each.minor,
            each.read(),
        )
        for each in entries(stream)
    ]


@QUICK
@given(st.lists(members(), max_size=6), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_as_tarfile_writes(files: list[tuple[tarfile.TarInfo, bytes]], form: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        for info, content in files:
            archive.addfile(info, io.BytesIO(content))
    expected = [
        (
            info.name.rstrip("/"),
            info.type,
            info.mode,
            info.uid,
            info.gid,
            info.size,
            info.mtime,
            info.linkname,
            info.devmajor,
            info.devminor,
            content,
        )
        for info, content in files
    ]
    assert seen(io.BytesIO(out.getvalue())) == expected
    assert seen(Dribble(out.getvalue())) == expected


def gnu_tar(tmp_path: Path, *options: str) -> bytes:
    return subprocess.run(
        ["tar", "-C", str(tmp_path), *options, "-cf", "-", "tree"], check=True, capture_output=True
    ).stdout


@pytest.mark.parametrize(
    "form",
    [
        ["--format=v7"],
        ["--format=oldgnu"],
        ["--format=gnu"],
        ["--format=ustar"],
        ["--format=posix"],
        ["--format=posix", "--xattrs", "--xattrs-include=*"],
    ],
)
def test_as_gnu_tar_writes(tmp_path: Path, form: list[str]) -> None:
    tree = tmp_path / "tree"
    (tree / "directory").mkdir(parents=True)
    (tree / "file").write_bytes(b"content" * 1000)
    os.link(tree / "file", tree / "hard")
    os.symlink("file", tree / "soft")
    os.setxattr(tree / "file", "user.note", b"with \0 and \n")
    if "--format=v7" not in form:
        os.mkfifo(tree / "fifo")
        long = tree / "directory" / ("x" * 90)
        long.mkdir()
        (long / ("y" * 60)).write_bytes(b"deep")
    if "ustar" not in form[0] and "v7" not in form[0]:
        os.symlink("z" * 300, tree / "long-link")
        (tree / "directory" / ("n" * 200)).write_bytes(b"")
    data = gnu_tar(tmp_path, *form)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = {info.name: info for info in archive}
    found = {each.name.rstrip("/"): (each, each.read()) for each in entries(io.BytesIO(data))}
    assert found.keys() == expected.keys()
    for name, info in expected.items():
        each, content = found[name]
        assert (each.mode, each.uid, each.gid, each.target) == (
            info.mode,
            info.uid,
            info.gid,
            info.linkname,
        )
        assert (each.kind == DIRECTORY) == info.isdir()
        if info.isreg():
            assert content == (tmp_path / name).read_bytes()
    linked = [each for each, _ in found.values() if each.kind == LINK]
    assert len(linked) == 1
    if "posix" in form[0]:
        file = found[linked[0].target][0]
        assert file.mtime == (tree / "file").stat().st_mtime_ns
    if "--xattrs" in form:
        assert found[linked[0].target][0].xattrs == {b"user.note": b"with \0 and \n"}


@pytest.mark.parametrize(
    "form",
    [
        ["--format=gnu"],
        ["--format=posix", "--sparse-version=0.0"],
        ["--format=posix", "--sparse-version=0.1"],
        ["--format=posix", "--sparse-version=1.0"],
    ],
)
@pytest.mark.parametrize("pieces", [0, 1, 3, 60])
def test_sparse(tmp_path: Path, form: list[str], pieces: int) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/sparse").open("wb") as file:
        for number in range(pieces):
            file.seek(number * 300_000 + 100_000)
            file.write(b"data %d" % number * 100)
        file.truncate(pieces * 300_000 + 500_000)
    (tmp_path / "tree/zafter").write_bytes(b"after")
    data = gnu_tar(tmp_path, "--sparse", "--sort=name", *form)
    assert len(data) < 1_000_000
    plain = (tmp_path / "tree/sparse").read_bytes()
    found = {each.name: (each.kind, each.size, each.read(1 << 30)) for each in entries_of(data)}
    assert found["tree/sparse"] == (FILE, len(plain), plain)
    assert found["tree/zafter"][2] == b"after"


def entries_of(data: bytes) -> Any:
    return entries(io.BytesIO(data))


def archive_of(*infos: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, content in infos:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def file_info(name: str, **attributes: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def with_records(**records: str) -> bytes:
    return archive_of((file_info("name", pax_headers=records), b"content"))


def raw_pax(data: bytes, kind: bytes = b"x") -> bytes:
    """An extended header with any bytes in it, and a file after it."""
    head = tarfile.TarInfo("pax")
    head.type, head.size = kind, len(data)
    block = head.tobuf(tarfile.USTAR_FORMAT)
    return block + data + bytes(-len(data) % 512) + archive_of((file_info("name"), b"content"))


def test_pax_overrides() -> None:
    (entry,) = entries_of(
        with_records(
            path="other/näme",
            uid="3000000000",
            gid="7",
            mtime="-1.5",
            uname="me",
            **{"SCHILY.xattr.user.x": "y", "LIBARCHIVE.xattr.user.a%3Db": "aGk"},
        )
    )
    assert entry.name == "other/näme"
    assert (entry.uid, entry.gid, entry.mtime) == (3000000000, 7, -1_500_000_000)
    assert entry.xattrs == {b"user.x": b"y", b"user.a=b": b"hi"}


def test_global_headers() -> None:
    data = raw_pax(b"12 gid=1234\n", b"g")
    assert [each.gid for each in entries_of(data)] == [1234]


@pytest.mark.parametrize(
    "records",
    [
        b"nonsense",
        b"5 a=b\n",
        b"7 a=b\n",
        b"6 a=bX",
        b"-6 a=b\n",
        b"99999999999999999999 a=b\n",
        b"6 abc\n",
        b"999999 path=x\n",
        b"12 path=a\0b\n",
        b"11 uid=-12\n",
        b"12 size=1_0\n",
        b"30 uid=11111111111111111111\n",
        b"31 size=99999999999999999999\n",
        b"16 mtime=1e100\n",
        b"13 mtime=..\n",
        b"25 SCHILY.xattr.a\0b=valu\n",
        b"16 LIBARCHIVE.x",
    ],
)
def test_bad_records(records: bytes) -> None:
    with pytest.raises(Corrupt, match="offset"):
        list(entries_of(raw_pax(records)))


@pytest.mark.parametrize(
    "records",
    [
        {"GNU.sparse.map": "0,4,2,3", "GNU.sparse.size": "100"},
        {"GNU.sparse.map": "90,17", "GNU.sparse.size": "100"},
        {"GNU.sparse.map": "0,6", "GNU.sparse.size": "100"},
        {"GNU.sparse.map": "0,7,9", "GNU.sparse.size": "100"},
        {"GNU.sparse.map": "0,-7", "GNU.sparse.size": "100"},
        {"GNU.sparse.map": "0,7", "GNU.sparse.size": "9" * 19},
        {"GNU.sparse.map": "0,7"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "7"},
    ],
)
def test_bad_sparse_maps(records: dict[str, str]) -> None:
    with pytest.raises(Corrupt, match="sparse"):
        list(entries_of(with_records(**records)))


def patched(offset: int, value: bytes) -> bytes:
    """A one-file archive with a header field changed and the checksum made right again."""
    data = bytearray(archive_of((file_info("name"), b"content")))
    data[offset : offset + len(value)] = value
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (124, b"\xff" * 12),  # size -1 in base 256
        (124, b"\x80" + b"\xff" * 11),  # beyond 63 bits
        (124, b"0000000001_0"),
        (124, b"-00000000001"),
        (124, b"00000000009 "),
        (108, b"\x80\0\0\0\xff\xff\xff\xff"),  # uid (uid_t)-1
        (108, b"\xff" * 8),
        (136, b"nonsense\0\0\0\0"),
        (100, b"08\0"),
    ],
)
def test_bad_numbers(offset: int, value: bytes) -> None:
    with pytest.raises(Corrupt, match="offset 0"):
        list(entries_of(patched(offset, value)))


def test_base_256() -> None:
    (entry,) = entries_of(patched(108, b"\x80\0\0\0\x12\x34\x56\x78"))
    assert entry.uid == 0x12345678
    (entry,) = entries_of(patched(136, b"\xff" * 12))
    assert entry.mtime == -1_000_000_000


@pytest.mark.parametrize("length", [1 << 21, 1 << 40])
@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_huge_extended_headers_are_not_read(kind: bytes, length: int) -> None:
    head = tarfile.TarInfo("huge")
    head.type, head.size = kind, length
    block = head.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(Corrupt, match="extended header of"):
        list(entries_of(block + bytes(100_000)))


def test_many_extended_headers_are_not_kept() -> None:
    big = b"1000011 a%07d=" + b"x" * 999_993 + b"\n"
    data = b"".join(raw_pax(big % number)[: 512 + 1_000_448] for number in range(3))
    with pytest.raises(Corrupt, match="extended header of"):
        list(entries_of(data))


@QUICK
@given(st.integers(0, 511), st.integers(1, 255))
def test_a_changed_header_byte_is_noticed(at: int, change: int) -> None:
    data = bytearray(archive_of((file_info("name"), b"content")))
    data[at] ^= change
    try:
        found = [(each.name, each.size) for each in entries_of(bytes(data))]
    except Corrupt:
        return
    # Only where the checksum itself is written in another way may it pass.
    assert 148 <= at < 156
    assert found == [("name", 7)]


@QUICK
@given(st.integers(1, 4 * 512 - 1))
@example(512)
def test_cut_off(length: int) -> None:
    data = archive_of((file_info("a"), b"x" * 600), (file_info("b"), b""))[: 4 * 512]
    if length == 3 * 512:  # between members: a writer without an end mark
        assert len(list(entries_of(data[:length]))) == 1
        return
    with pytest.raises(Corrupt, match="truncated"):
        list(entries_of(data[:length]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3000))
def test_noise(data: bytes) -> None:
    try:
        for each in entries_of(data):
            each.read()
    except Corrupt:
        pass


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_typed(data: st.DataObject) -> None:
    """Any bytes changed anywhere: entries or Corrupt, never anything else."""
    whole = bytearray(with_records(path="p" * 300, mtime="1.25", **{"SCHILY.xattr.user.a": "b"}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
        block = at // 512 * 512
        if block in (0, 1024):  # mend the checksum, to get further in
            whole[block + 148 : block + 156] = b" " * 8
            whole[block + 148 : block + 156] = b"%06o\0 " % sum(whole[block : block + 512])
    try:
        for each in entries_of(bytes(whole)):
            each.read()
    except Corrupt:
        pass


def test_end_marks() -> None:
    data = archive_of((file_info("a"), b""))
    assert len(list(entries_of(data[:512]))) == 1
    assert len(list(entries_of(data[:1024]))) == 1
    with pytest.raises(Corrupt, match="lone block"):
        list(entries_of(data[:1024] + data[:512]))


def test_stream_is_read_to_its_end() -> None:
    """What checks a digest below must see every byte, also after the end mark."""
    stream = io.BytesIO(archive_of((file_info("a"), b"")) + b"tail" * PIECE)
    assert len(list(entries(stream))) == 1
    assert stream.read() == b""


def test_content_not_read_is_passed_over() -> None:
    data = archive_of(*((file_info(str(n)), bytes([n]) * 700_000) for n in range(3)))
    found = []
    for number, each in enumerate(entries_of(data)):
        if number == 1:
            stream = each.open()
            assert stream.read(10) == b"\1" * 10
        found.append(each.name)
    assert found == ["0", "1", "2"]


def test_small_files_only() -> None:
    data = archive_of((file_info("a"), b"x" * 1000))
    with pytest.raises(Corrupt, match="more than"):
        for each in entries_of(data):
            each.read(999)
