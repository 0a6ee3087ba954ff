"""pflag's grammar, as podman's users know it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.parse import HelpWanted, Options, parse_verb
from rundlet.core.commands.values import duration
from rundlet.core.errors import UsageError

OPTIONS = (
    Flag("interactive", "i"),
    Flag("tty", "t"),
    Option("env", "e", many=True),
    Option("cap", many=True, split=True),
    Option("name", "n"),
    Option("count", "c", kind="int"),
    Option("size", kind="uint"),
    Option("wait", "w", kind="duration", default="1m30s"),
    Option("pull", optional="always", choices=("always", "never"), default="never"),
    Option("newer", aliases=("newest",)),
)
RUN = Verb("run", "", "m:f", options=OPTIONS, arguments=Arguments(1, interspersed=False))
RM = Verb("rm", "", "m:f", options=OPTIONS, arguments=Arguments(1, 2))


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["-it"], "tty", True),
        (["-it=false"], "tty", False),
        (["--tty=0"], "tty", False),
        (["-ni"], "name", "i"),
        (["-n=x"], "name", "x"),
        (["-itn", "x"], "name", "x"),
        (["--name", "-x"], "name", "-x"),
        (["--name="], "name", ""),
        (["--name", "a", "--name=b"], "name", "b"),
        (["-e", "A=1", "-eB=2", "--env=C=3,4"], "env", ("A=1", "B=2", "C=3,4")),
        (["--cap", "a,b", "--cap=c"], "cap", ("a", "b", "c")),
        (["--cap", '"a,b",c'], "cap", ("a,b", "c")),
        (["-c", "-5"], "count", -5),
        (["-c0x10"], "count", 16),
        (["-c", "010"], "count", 8),
        (["-w", "1h5m"], "wait", 3900.0),
        ([], "wait", 90.0),
        (["--pull"], "pull", "always"),
        (["--pull=never"], "pull", "never"),
        (["--newest", "x"], "newer", "x"),
    ],
)
def test_forms(words: list[str], name: str, value: object) -> None:
    options = Options(OPTIONS)
    assert options.parse(words) == []
    assert options.values[name] == value
    assert (name in options.given) == bool(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nam", "x"], "unknown flag: --nam"),
        (["-itx"], "unknown shorthand flag: 'x' in -x"),
        (["--name"], "flag needs an argument: --name"),
        (["-n"], "flag needs an argument: 'n' in -n"),
        (["---name"], "bad flag syntax: ---name"),
        (["-c", "five"], 'strconv.ParseInt: parsing "five": invalid syntax'),
        (["--size", "-1"], "strconv.ParseUint"),
        (["-c", "9223372036854775808"], "value out of range"),
        (["--tty=maybe"], "strconv.ParseBool"),
        (["-w", "1 fortnight"], "1 fortnight"),
    ],
)
def test_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Options(OPTIONS).parse(words)
    assert message in caught.value.message


def test_what_follows_the_image_is_the_containers() -> None:
    parsed = parse_verb(RUN, ["-i", "image", "-t", "--help", "--"], "rundlet run")
    assert parsed.arguments == ("image", "-t", "--help", "--")
    assert (parsed.flag("interactive"), parsed.flag("tty")) == (True, False)


def test_interspersed_and_ended() -> None:
    parsed = parse_verb(RM, ["a", "-i", "--", "-t"], "rundlet rm")
    assert parsed.arguments == ("a", "-t")
    assert parsed.flag("interactive")


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "requires at least 1 arg(s)"), (["a", "b", "c"], "accepts at most 2 arg(s)")],
)
def test_counts(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message[:20]) as caught:
        parse_verb(RM, words, "rundlet rm")
    assert message in caught.value.message


def test_help_unless_declared() -> None:
    with pytest.raises(HelpWanted):
        Options(OPTIONS).parse(["-h"])
    with pytest.raises(HelpWanted):
        Options(OPTIONS).parse(["--help"])
    options = Options((Option("hostname", "h"),))
    options.parse(["-h", "x"])
    assert options.values["hostname"] == "x"


def test_options_of_the_program_after_the_verb() -> None:
    above = Options((Option("root"), Flag("version", "v", local=True)))
    parsed = parse_verb(RM, ["a", "--root", "/x"], "rundlet rm", above)
    assert above.values["root"] == "/x"
    assert parsed.arguments == ("a",)
    with pytest.raises(UsageError, match="unknown shorthand flag: 'v'"):
        parse_verb(RM, ["a", "-v"], "rundlet rm", above)


@given(st.lists(st.text(max_size=8), max_size=6))
def test_any_words_are_parsed_or_refused(words: list[str]) -> None:
    options = Options(OPTIONS)
    try:
        left = options.parse(words)
    except (UsageError, HelpWanted):
        return
    assert len(left) <= len(words)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0"), max_size=8), max_size=5))
def test_values_arrive_as_typed(values: list[str]) -> None:
    options = Options(OPTIONS)
    options.parse([f"--env={value}" for value in values])
    assert options.values["env"] == tuple(values)


@given(st.text(alphabet="0123456789.hmsnu+-", max_size=10))
def test_durations_are_read_or_refused(text: str) -> None:
    try:
        assert isinstance(duration(text), float)
    except ValueError:
        pass
