"""Quotes, escapes and variables."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.build.containerfile.words import WordError, expand, expand_text, split_words

ENVIRONMENT = {"a": "one", "empty": "", "path": "/usr/local/lib.tar.gz"}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("$a", "one"),
        ("${a}b", "oneb"),
        ("$ab", ""),
        ("$a-b", "one-b"),
        ("$", "$"),
        ("a$", "a$"),
        ("\\$a", "$a"),
        ("'$a'", "$a"),
        ('"$a b"', "one b"),
        ('"\\$a \\" \\n"', '$a " \\n'),
        ("a\\ b", "a b"),
        ("${x:-none}", "none"),
        ("${x-none}", "none"),
        ("${empty:-none}", "none"),
        ("${empty-none}", ""),
        ("${a:+yes}", "yes"),
        ("${empty:+yes}", ""),
        ("${empty+yes}", "yes"),
        ("${x:+yes}", ""),
        ("${x:-${a}}", "one"),
        ("${x:-'$a'}", "$a"),
        ("${a:?must}", "one"),
        ("${path#*/}", "usr/local/lib.tar.gz"),
        ("${path##*/}", "lib.tar.gz"),
        ("${path%.*}", "/usr/local/lib.tar"),
        ("${path%%.*}", "/usr/local/lib"),
        ("${path/l/L}", "/usr/Local/lib.tar.gz"),
        ("${path//l/L}", "/usr/LocaL/Lib.tar.gz"),
        ("${path//l}", "/usr/oca/ib.tar.gz"),
        ("$1$@", ""),
    ],
)
def test_expansion(word: str, value: str) -> None:
    assert expand(word, ENVIRONMENT) == value


@pytest.mark.parametrize("word", ["${", "${}", "${a", "${a:-b", "'a", '"a', "${x:?no}", "${a^}"])
def test_what_is_refused(word: str) -> None:
    with pytest.raises(WordError):
        expand(word, ENVIRONMENT)


def test_the_message_of_a_required_variable() -> None:
    with pytest.raises(WordError, match="x: give it"):
        expand("${x?give it}", {})


def test_text_of_a_heredoc_keeps_its_quotes() -> None:
    assert expand_text('it\'s "$a" \\$a', ENVIRONMENT) == 'it\'s "one" $a'


def test_another_escape_character() -> None:
    assert expand("c:\\$a`$a", ENVIRONMENT, "`") == "c:\\one$a"


def test_words_keep_their_quotes() -> None:
    assert split_words('a=\'b c\'  d\\ e "f\\" g"') == ["a='b c'", "d\\ e", '"f\\" g"']
    with pytest.raises(WordError):
        split_words("a 'b")


@given(st.text("ab'\"\\ ${}:-+?#%/", max_size=20))
def test_any_word_is_expanded_or_refused(word: str) -> None:
    try:
        expand(word, ENVIRONMENT)
    except WordError:
        pass


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@given(
    st.sampled_from(["${v:-%s}", "${v:+%s}", "${v#%s}", "${v##%s}", "${v%%%s}", "${v/%s/_}"]),
    st.text("ab*?", min_size=1, max_size=4),
    st.text("ab", max_size=6),
)
def test_as_bash_does_it(form: str, pattern: str, value: str) -> None:
    word = form % pattern
    bash = subprocess.run(
        ["bash", "-f", "-c", f'printf %s "{word}"'],
        env={"v": value},
        capture_output=True,
        text=True,
        check=True,
    )
    assert expand(word, {"v": value}) == bash.stdout
