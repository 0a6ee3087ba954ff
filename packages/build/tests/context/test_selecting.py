"""Which files the words of COPY mean."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from rundlet.build import ignore
from rundlet.build.context.arriving import Ownership, fingerprints, write
from rundlet.build.context.modes import parse
from rundlet.build.context.selecting import Selection, select
from rundlet.core.errors import InvalidArgument, NotFound


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """a, src/{main.c,main.o,deep/x.o}, links in and out of it."""
    root = tmp_path / "context"
    (root / "src" / "deep").mkdir(parents=True)
    for name in ("a", "src/main.c", "src/main.o", "src/deep/x.o"):
        (root / name).write_text(name)
    (root / "inside").symlink_to("/src")
    (root / "outside").symlink_to("../../../etc")
    (root / "src" / "link").symlink_to("main.c")
    return root


def names(found: Selection) -> list[str]:
    return [member.name for member in found.members]


def test_a_file_and_a_directory(root: Path) -> None:
    found = select(str(root), ["a"])
    assert names(found) == ["a"] and found.one_file
    found = select(str(root), ["/src/"])
    assert names(found) == ["", "deep", "deep/x.o", "link", "main.c", "main.o"]
    assert not found.one_file


def test_several_and_wildcards(root: Path) -> None:
    found = select(str(root), ["a", "src/main.*"])
    assert names(found) == ["a", "main.c", "main.o"] and not found.one_file
    assert names(select(str(root), ["s?c/[m]ain.c"])) == ["main.c"]
    assert select(str(root), ["a*"]).one_file


def test_links_lead_to_the_context_only(root: Path) -> None:
    assert names(select(str(root), ["inside/main.c"])) == ["main.c"]
    assert "main.c" in names(select(str(root), ["inside"]))
    for source in ("outside/passwd", "../../etc/passwd", "outside"):
        with pytest.raises(NotFound, match="no such file or directory in the build context"):
            select(str(root), [source])
    (member,) = select(str(root), ["src/link"]).members
    assert member.path == str(root / "src" / "main.c") and member.name == "link"


def test_ignored_files_do_not_exist(root: Path) -> None:
    ignored = ignore.parse("**/*.o")
    assert names(select(str(root), ["src"], ignored=ignored)) == ["", "deep", "link", "main.c"]
    with pytest.raises(NotFound, match=r"Containerfile:3: src/main\.o: all that it means"):
        select(str(root), ["src/main.o"], ignored=ignored, where="Containerfile:3")
    ignored = ignore.parse("src\n!src/deep/x.o")
    whole = names(select(str(root), ["."], ignored=ignored))
    assert whole[-3:] == ["src", "src/deep", "src/deep/x.o"]
    assert names(select(str(root), ["src"], ignored=ignored)) == ["", "deep", "deep/x.o"]


def test_excluded_files_are_left_out_of_each_source(root: Path) -> None:
    def left(*sources: str, patterns: str, parents: bool = False) -> list[str]:
        excluded = ignore.patterns(patterns.split())
        return names(select(str(root), sources, excluded=excluded, parents=parents))

    assert left("src", patterns="*.o deep") == ["", "link", "main.c"]
    assert "main.o" in left("src", patterns="src/main.o"), "not relative to the context"
    assert left("a", "src/*", patterns="*.o !x.o") == ["a", "", "x.o", "link", "main.c"]
    assert left("src", patterns="src/deep src/main.*", parents=True) == ["src", "src/link"]
    with pytest.raises(NotFound, match="--exclude"):
        left("src/*.o", patterns="*.o")


def test_parents(root: Path) -> None:
    assert names(select(str(root), ["src/deep/x.o", "a"], parents=True)) == ["src/deep/x.o", "a"]
    assert names(select(str(root), ["src/./deep/x.o"], parents=True)) == ["deep/x.o"]
    assert names(select(str(root), ["**/*.o"], parents=True)) == ["src/main.o", "src/deep/x.o"]


def test_fingerprints_tell_content_mode_and_owner(root: Path) -> None:
    def taken(uid: int | None = None, mode: str = "") -> dict[str, str]:
        owner = Ownership(uid, mode=parse(mode) if mode else None)
        return fingerprints(select(str(root), ["src"]).members, owner)

    first = taken()
    os.utime(root / "src" / "main.c", (1, 1))
    assert taken() == first
    (root / "src" / "main.c").chmod(0o600)
    second = taken()
    assert {place for place in first if first[place] != second[place]} == {"main.c"}
    (root / "src" / "main.c").write_text("other")
    assert taken()["main.c"] != second["main.c"]
    assert taken(uid=1)["deep"] != first["deep"]
    assert len(set(taken(mode="0700")["main.c"].split()) & {"700"}) == 1


def test_the_tar_of_what_arrives(root: Path) -> None:
    out = io.BytesIO()
    owner = Ownership(uid=5, gid=6, mode=parse("0711"))
    write(select(str(root), ["src"]).members, out, "opt/x", owner)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        found = {member.name: member for member in archive}
        assert set(found) == {
            f"opt/x/{name}" for name in ("deep", "deep/x.o", "link", "main.c", "main.o")
        }
        one = found["opt/x/main.c"]
        assert (one.uid, one.gid, one.mode) == (5, 6, 0o711)
        content = archive.extractfile(one)
        assert content is not None and content.read() == b"src/main.c"
        assert found["opt/x/link"].linkname == "main.c"


def test_a_socket_is_refused(root: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(root, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/s")
        finally:
            os.close(here)
        with pytest.raises(InvalidArgument, match="is a socket"):
            fingerprints(select(str(root), ["s"]).members, Ownership())
