"""Matching of ignore files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.build import ignore
from rundlet.core.errors import InvalidArgument, NotFound


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        ("*.o", "a.o", True),
        ("*.o", "src/a.o", False),
        ("**/*.o", "src/deep/a.o", True),
        ("**/*.o", "a.o", True),
        ("src", "src/deep/a.o", True),
        ("/src/", "src/a", True),
        ("src/**", "src/a/b", True),
        ("src/**/x", "src/x", True),
        ("src/**/x", "src/a/b/x", True),
        ("**", "anything/at/all", True),
        ("*/temp*", "some/temporary", True),
        ("*/temp*", "temporary", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[a-c]x", "/x", False),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("a.b", "axb", False),
        ("*\n!README.md", "README.md", False),
        ("*\n!README.md", "x", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        ("src\n!src/keep", "src/keep", False),
        ("src\n!src/keep", "src/other", True),
        ("# comment\n\n  a  ", "a", True),
        ("#a", "#a", False),
        (".", "a", False),
        ("./a/../b", "b", True),
        ("..", "a", False),
    ],
)
def test_matching(patterns: str, path: str, ignored: bool) -> None:
    assert ignore.parse(patterns).ignores(path) is ignored


def test_what_need_not_be_read() -> None:
    assert ignore.parse("node_modules").prunes("node_modules")
    assert not ignore.parse("src\n!src/keep").prunes("src")


@pytest.mark.parametrize("line", ["!", "a[", "[]", "x\\"])
def test_wrong_patterns_name_file_and_line(line: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^f:2: "):
        ignore.parse(f"ok\n{line}", "f")


def test_which_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "Containerfile"
    (tmp_path / ".dockerignore").write_text("a")
    assert ignore.find(str(tmp_path), str(file)).ignores("a")
    (tmp_path / ".containerignore").write_text("b")
    assert ignore.find(str(tmp_path), str(file)).ignores("b")
    (tmp_path / "Containerfile.dockerignore").write_text("c")
    assert ignore.find(str(tmp_path), str(file)).ignores("c")
    (tmp_path / "mine").write_text("d")
    assert ignore.find(str(tmp_path), str(file), str(tmp_path / "mine")).ignores("d")
    with pytest.raises(NotFound):
        ignore.find(str(tmp_path), given=str(tmp_path / "none"))


_path = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@given(_path)
def test_a_path_is_ignored_by_itself_by_what_is_above_and_by_any(path: str) -> None:
    for pattern in (path, path.split("/")[0], "**", f"**/{path}", path.replace("a", "?")):
        assert ignore.parse(pattern).ignores(path)
    assert not ignore.parse(f"**\n!{path}").ignores(path)
    assert not ignore.parse(f"{path}/x").ignores(path)


@given(st.text("ab*?[]\\!/#. -^", max_size=12), _path)
def test_any_text_is_a_pattern_or_refused(text: str, path: str) -> None:
    try:
        ignore.parse(text).ignores(path)
    except InvalidArgument:
        pass
