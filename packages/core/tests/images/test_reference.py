"""Image names: the grammar, its normal form, and that no text breaks the parser."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rundlet.core.errors import InvalidArgument
from rundlet.core.images import reference as references

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("alpine", "docker.io/library/alpine", "alpine"),
        ("alpine:3.19", "docker.io/library/alpine:3.19", "alpine:3.19"),
        ("team/tool", "docker.io/team/tool", "team/tool"),
        ("docker.io/alpine", "docker.io/library/alpine", "alpine"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine", "alpine"),
        ("localhost/x", "localhost/x", "localhost/x"),
        ("localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"),
        ("[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x:1"),
        ("quay.io/a/b/c", "quay.io/a/b/c", "quay.io/a/b/c"),
        (f"quay.io/a@{DIGEST}", f"quay.io/a@{DIGEST}", f"quay.io/a@{DIGEST}"),
        (f"a:1@{DIGEST}", f"docker.io/library/a:1@{DIGEST}", f"a:1@{DIGEST}"),
        ("host.example/a__b/c--d.e_f:V1.0-x", "host.example/a__b/c--d.e_f:V1.0-x", ""),
    ],
)
def test_names_have_a_normal_form(text: str, full: str, familiar: str) -> None:
    found = references.parse(text)
    assert str(found) == full
    assert found.familiar == (familiar or full)
    assert references.parse(full) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "/",
        "a//b",
        "UPPER/x",
        "a:",
        "a:-x",
        "a:" + "x" * 129,
        "a@sha256:short",
        "a@md5:" + "0" * 32,
        "a b",
        "a/../b",
        "-a",
        "a_",
        "host.example/",
        "host..example/x",
        "a:1:2",
        "http://host.example/x",
        "x" * 300,
        "a\n",
        "a:1\n",
        "ä",
        "a:\u0661",  # a digit, but not ASCII
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        references.parse(text)


def test_uppercase_is_explained() -> None:
    with pytest.raises(InvalidArgument, match="repository name must be lowercase"):
        references.parse("docker.io/Team/x")


@given(st.text())
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        found = references.parse(text)
    except InvalidArgument:
        return
    assert references.parse(str(found)) == found
    assert ".." not in found.path.split("/")


_COMPONENT = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)


@given(
    st.lists(_COMPONENT, min_size=1, max_size=4),
    st.sampled_from(["docker.io", "localhost", "localhost:5000", "r.example.com", "10.0.0.1:1"]),
    st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)),
    st.sampled_from(["", DIGEST]),
)
def test_parts_survive(components: list[str], host: str, tag: str, digest: str) -> None:
    text = f"{host}/{'/'.join(components)}"
    text += (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    found = references.parse(text)
    assert (found.host, found.tag, found.digest) == (host, tag, digest)
    if host != "docker.io":
        assert str(found) == text


_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_GRAMMAR = re.compile(
    rf"(?P<host>{_HOST})/(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?",
    re.ASCII,
)


@given(
    st.text("aB0.-[:]é\n", max_size=6).map(lambda text: f"{text}.")
    | st.from_regex(_HOST, fullmatch=True),
    st.text("aB0.-_/é\n", max_size=8),
    st.none() | st.text("aB0.-_é\n", max_size=3) | st.integers(126, 130).map(lambda n: "a" * n),
)
def test_the_grammar(host: str, path: str, tag: str | None) -> None:
    """The functions are the expressions of the distribution's grammar."""
    text = f"{host}/{path}" + ("" if tag is None else f":{tag}")
    assume(not references.is_short(text))
    match = _GRAMMAR.fullmatch(text)
    try:
        found = references.parse(text)
    except InvalidArgument:
        assert match is None
    else:
        assert match is not None
        assert (found.host, found.path, found.tag or None) == match.group("host", "path", "tag")
