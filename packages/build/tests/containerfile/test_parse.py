"""Instructions, stages, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.build.containerfile.expanding import expanded
from rundlet.build.containerfile.instructions import Instruction
from rundlet.build.containerfile.parse import _READERS
from rundlet.build.containerfile.stages import Containerfile, parse
from rundlet.core.errors import InvalidArgument


def one(text: str) -> Any:
    """The one instruction after a FROM."""
    (found,) = parsed(f"FROM x\n{text}\n").stages[0].instructions
    return found


def parsed(text: str) -> Containerfile:
    return parse([("Containerfile", text)])


def test_stages_and_arguments_before_them() -> None:
    file = parsed("ARG V=1 W\nFROM --platform=$P a:$V AS Base\nUSER x\nFROM base\nFROM scratch")
    assert file.args[0].pairs == (("V", "1"), ("W", None))
    assert [stage.name for stage in file.stages] == ["base", "1", "2"]
    assert file.stages[0].start.platform == "$P"
    assert file.target("BASE").index == 0 and file.target("1").index == 1
    assert file.target("").index == 2
    with pytest.raises(InvalidArgument, match='target "no" was not found'):
        file.target("no")


def test_several_files_continue_one_another() -> None:
    file = parse([("a", "FROM x"), ("b", "USER y\nFROM z")])
    assert [stage.start.image for stage in file.stages] == ["x", "z"]
    assert file.stages[0].instructions[0].where == "b:1"


def test_shell_and_exec_form() -> None:
    assert (one('RUN ["a", "b c"]').words, one('RUN ["a", "b c"]').shell) == (("a", "b c"), False)
    assert (one("CMD echo $x").words, one("CMD echo $x").shell) == (("echo $x",), True)
    assert one("CMD ['a']").shell  # no JSON: a shell gets it


def test_run_flags() -> None:
    run = one('RUN --mount=type=cache,target=/c --mount="type=tmpfs,target=/a b" --network=none x')
    assert len(run.mounts) == 2 and run.network == "none" and run.words == ("x",)
    run = expanded(run, {})
    assert run.mounts[1] == "type=tmpfs,target=/a b"  # type: ignore[attr-defined]


def test_copy_flags() -> None:
    copy = one("COPY --from=0 --chown=1:2 --chmod=0755 --link --exclude=*.o --exclude=*.a a b /c/")
    assert (copy.origin, copy.chown, copy.chmod, copy.link) == ("0", "1:2", "0755", True)
    assert (copy.sources, copy.destination) == (("a", "b"), "/c/")
    assert copy.excludes == ("*.o", "*.a") and not copy.parents
    assert one('COPY ["a b", "/c d"]').sources == ("a b",)


def test_pairs() -> None:
    assert one("ENV a=b c='d e' f=\"$x\"").pairs == (("a", "b"), ("c", "'d e'"), ("f", '"$x"'))
    assert one("ENV a  b = c").pairs == (("a", "b = c"),)
    env = expanded(one("ENV a=1 b=$a c='$a'"), {"a": "0"})
    assert env.pairs == (("a", "1"), ("b", "0"), ("c", "$a"))  # type: ignore[attr-defined]


def test_healthcheck() -> None:
    check = one("HEALTHCHECK --interval=1m30s --retries=2 CMD curl x || exit 1").check
    assert check == {
        "Test": ["CMD-SHELL", "curl x || exit 1"],
        "Interval": 90_000_000_000,
        "Retries": 2,
    }
    assert one("HEALTHCHECK NONE").check == {"Test": ["NONE"]}


def test_expose_of_a_variable_with_several_ports() -> None:
    found: Any = expanded(one("EXPOSE $p 80/udp"), {"p": "1 2"})
    assert found.words == ("1", "2", "80/udp")


def test_copy_of_a_heredoc_expands_its_text() -> None:
    found: Any = expanded(one('COPY <<A <<"B" /d/\n$x\nA\n$x\nB'), {"x": "1"})
    assert [heredoc.content for heredoc in found.heredocs] == ["1\n", "$x\n"]
    assert found.sources == ("<<A", '<<"B"')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("RUM x", "Containerfile:2: unknown instruction: RUM"),
        ("RUN", "Containerfile:2: RUN requires at least one argument"),
        ("RUN --mounts=x y", "unknown flag: --mounts"),
        ("COPY a", "COPY requires at least two arguments"),
        ("COPY --from a /b", "missing a value on flag: --from"),
        ("COPY --link=maybe a /b", "expecting boolean value for flag --link"),
        ("COPY --chown=1 --chown=2 a /b", "duplicate flag specified: --chown"),
        ("ENV a", "ENV must have two arguments"),
        ("ENV a=b c", "can't find = in 'c'"),
        ("ENV a='b", "matching '"),
        ("ENV a=${b", "Containerfile:2: failed to process"),
        ("SHELL sh", "SHELL requires the arguments to be in JSON form"),
        ("HEALTHCHECK curl", "unknown type 'curl' in HEALTHCHECK"),
        ("HEALTHCHECK --interval=x CMD y", "--interval: 'x' is no duration"),
        ("ONBUILD ONBUILD RUN x", "chaining ONBUILD"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("FROM a b", "FROM requires either one argument, or three"),
        ("FROM a AS 1x", "invalid name for build stage: '1x'"),
        ("FROM a AS b\nFROM c AS b", "Containerfile:3: the stage name 'b' is taken by line 2"),
    ],
)
def test_faults(text: str, problem: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        for stage in parsed(f"FROM x\n{text}").stages:
            for item in stage.instructions:
                expanded(item, {})
    assert problem in str(caught.value)


def test_no_stage() -> None:
    with pytest.raises(InvalidArgument, match="Containerfile:1: RUN: no build stage"):
        parsed("RUN x")
    with pytest.raises(InvalidArgument, match="no FROM"):
        parsed("# nothing\n")


@given(
    st.sampled_from(sorted(_READERS)),
    st.text("ab -=\"'[],$\\<{}:", max_size=24),
)
def test_any_instruction_is_a_value_or_refused_by_line(name: str, rest: str) -> None:
    try:
        for item in parsed(f"FROM x\n{name} {rest}").stages[0].instructions:
            assert isinstance(expanded(item, {"a": "b c"}), Instruction)
    except InvalidArgument as error:
        assert "Containerfile:2" in str(error)
