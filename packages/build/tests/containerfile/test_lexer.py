"""Containerfile text to logical lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.build.containerfile.lexer import Heredoc, lex
from rundlet.core.errors import InvalidArgument


def texts(source: str) -> list[str]:
    return [line.text for line in lex(source).lines]


def test_comments_and_blank_lines_vanish_between_continued_lines() -> None:
    source = "# a comment\n\nRUN one \\\n  # not for the shell\n\n  two\nUSER root\n"
    lexed = lex(source)
    assert [line.text for line in lexed.lines] == ["RUN one   two", "USER root"]
    assert [(line.number, line.last) for line in lexed.lines] == [(3, 6), (7, 7)]


def test_two_escapes_at_the_end_do_not_continue() -> None:
    assert texts("RUN echo \\\\\nUSER x") == ["RUN echo \\\\", "USER x"]
    assert texts("RUN echo \\   \nUSER x") == ["RUN echo USER x"]


def test_the_escape_directive() -> None:
    lexed = lex("# syntax=docker/dockerfile:1\n# escape=`\nCOPY a `\n c:\\\n")
    assert [line.text for line in lexed.lines] == ["COPY a  c:\\"]
    assert dict(lexed.directives) == {"syntax": "docker/dockerfile:1", "escape": "`"}


def test_a_directive_after_anything_else_is_a_comment() -> None:
    for first in ("# hello\n", "\n", "FROM x\n"):
        assert lex(first + "# escape=`\n").escape == "\\"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("# escape=x\nFROM y", "Containerfile:1: invalid escape token 'x'"),
        ("# escape=`\n# escape=`\n", "Containerfile:2: only one escape parser directive"),
        ("FROM x\nRUN <<EOF\necho\n", "Containerfile:2: unterminated heredoc 'EOF'"),
    ],
)
def test_faults_name_file_and_line(source: str, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        lex(source)


def test_heredocs() -> None:
    source = "COPY <<A <<-'B C' <<\"D\" /x/\n$one\nA\nD\n\ttwo\n\tD\nD\nUSER y"
    copy, user = lex(source.replace("'B C'", "B").replace("\nD\n\ttwo", "\n\ttwo\n\tB\nx", 1)).lines
    assert copy.heredocs == (
        Heredoc("A", "$one\n", expand=True, word="<<A"),
        Heredoc("B", "two\n", expand=True, chomp=True, word="<<-B"),
        Heredoc("D", "x\n\tD\n", expand=False, word='<<"D"'),
    )
    assert (user.text, user.number) == ("USER y", 9)


def test_no_heredoc_where_none_is_meant() -> None:
    assert texts("RUN cat <<< word\nRUN echo $((1<<2))\nENV A=<<EOF\nRUN echo it's <<EOF") == [
        "RUN cat <<< word",
        "RUN echo $((1<<2))",
        "ENV A=<<EOF",
        "RUN echo it's <<EOF",
    ]


@given(st.lists(st.text("ab \\#'\"<`$\t", max_size=12), max_size=8))
def test_any_text_is_lexed_or_refused_by_line(lines: list[str]) -> None:
    try:
        lexed = lex("\n".join(lines))
    except InvalidArgument as error:
        assert str(error).startswith("Containerfile:")
        return
    for before, after in zip(lexed.lines, lexed.lines[1:], strict=False):
        assert before.last < after.number
    assert all(line.text == line.text.strip() != "" for line in lexed.lines)


@given(st.lists(st.from_regex(r"[a-z]{1,5}( [a-z\"']{1,4}){0,2}", fullmatch=True), min_size=1))
def test_continuations_join_what_they_parted(words: list[str]) -> None:
    assert texts("RUN " + "\\\n".join(words)) == ["RUN " + "".join(words)]
