"""Every verb of every package: its declaration, the fast parser and typer say the same."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pytest
from typer.main import get_command

from rundlet.core.commands.declare import Flag, Group, Option, Program, Verb
from rundlet.core.commands.help import application
from rundlet.core.commands.parse import Options
from rundlet.core.errors import UsageError

PROGRAMS = {
    "rundlet.commands": "rundlet.cli.program:PROGRAM",
    "rundlet.skopeo_commands": "rundlet.skopeo.main:PROGRAM",
    "rundlet.build_commands": "rundlet.build.main:PROGRAM",
    "rundlet.cri_commands": "rundlet.cri.main:PROGRAM",
}
VALUES = {"int": "7", "uint": "7", "float": "1.5", "duration": "1m"}


@cache
def declared() -> dict[str, tuple[Program, EntryPoint, Verb | Group]]:
    found = {}
    for group, where in PROGRAMS.items():
        module, _, name = where.partition(":")
        program = getattr(import_module(module), name)
        for entry in entry_points(group=group):
            found[f"{program.name} {entry.name}"] = (program, entry, entry.load())
    return found


VERBS = sorted(name for name, (_, _, one) in declared().items() if isinstance(one, Verb))


def verb(name: str) -> tuple[Program, EntryPoint, Verb]:
    program, entry, one = declared()[name]
    assert isinstance(one, Verb)
    return program, entry, one


@cache
def command(name: str) -> Any:
    """The command (of click, or typer's own copy of it) that typer makes of a declaration."""
    program, entry, _ = verb(name)
    words = entry.name.split(".")
    found: Any = get_command(application(program, words))
    for word in words:
        found = found.commands[word]
    return found


def shown(one: Verb) -> list[Flag | Option]:
    return [option for option in one.options if not option.hidden]


@pytest.mark.parametrize("name", VERBS)
def test_typer_has_the_same_options(name: str) -> None:
    options = [one for one in command(name).params if one.param_type_name == "option"]
    found = {name: option for option in options for name in option.opts if option.name != "help"}
    _, _, one = verb(name)
    assert set(found) >= {f"--{option.name}" for option in shown(one)}
    for option in shown(one):
        made = found[f"--{option.name}"]
        short = [f"-{option.short}"] if option.short else []
        aliases = [f"--{alias}" for alias in getattr(option, "aliases", ())]
        assert set(made.opts) == {f"--{option.name}", *short, *aliases}
        assert made.is_flag == isinstance(option, Flag)
        assert made.multiple == (isinstance(option, Option) and option.many)


@pytest.mark.parametrize("name", VERBS)
def test_both_parse_the_same(name: str) -> None:
    """Each option, typed in each of its forms: both take it and find the same text or truth.

    All options stand in one line of words, first each in its first form, then in its next: to
    have typer parse a line for each takes half a minute.
    """
    _, _, one = verb(name)
    left = {option.name: forms(option) for option in shown(one)}
    while left:
        words = [word for some in left.values() for word in some[0]]
        ours = Options(one.options)
        assert ours.parse(words) == [], words
        context = command(name).make_context(name, list(words), resilient_parsing=True)
        for option in shown(one):
            if option.name in left:
                theirs = context.params[_parameter(name, option)]
                _same(option, ours.values[option.name], theirs)
        left = {key: some[1:] for key, some in left.items() if some[1:]}


def _same(option: Flag | Option, value: Any, theirs: Any) -> None:
    if isinstance(option, Flag):
        assert value is theirs is True, option.name
    elif option.many:
        assert list(theirs) == [_value(option)], option.name
        assert value == (_value(option),), option.name
    else:
        assert theirs == _value(option), option.name
        assert value is not None, option.name


def forms(option: Flag | Option) -> list[list[str]]:
    long, short = f"--{option.name}", f"-{option.short}"
    if isinstance(option, Flag):
        return [[long], *([[short]] if option.short else [])]
    value = _value(option)
    if option.optional is not None:  # only `--name=value` sets one; typer has no such thing
        return [[f"{long}={value}"]]
    some = [[f"{long}={value}"], [long, value]]
    return [*some, [short, value], [f"{short}{value}"]] if option.short else some


def _value(option: Option) -> str:
    return option.choices[0] if option.choices else VALUES.get(option.kind, "word")


def _parameter(name: str, option: Flag | Option) -> str:
    for parameter in command(name).params:
        if f"--{option.name}" in parameter.opts:
            return str(parameter.name)
    raise AssertionError(option.name)


@pytest.mark.parametrize("name", VERBS)
def test_a_declaration_is_right(name: str) -> None:
    _, entry, one = verb(name)
    module, _, function = one.run.partition(":")
    assert callable(getattr(import_module(module), function)), one.run
    assert one.summary and not one.summary.endswith("."), "a summary is no sentence"
    names = [option.name for option in one.options]
    shorts = [option.short for option in one.options if option.short]
    assert len(names) == len(set(names)), "an option is declared twice"
    assert len(shorts) == len(set(shorts)), "a shorthand is declared twice"
    for option in one.options:
        assert len(option.short) <= 1
        assert option.hidden or option.help, f"--{option.name} has no help"
    if "." in entry.name:
        groups = [item.name for _, item, found in declared().values() if isinstance(found, Group)]
        assert entry.name.rpartition(".")[0] in groups, "its group is not declared"


@pytest.mark.parametrize("name", VERBS)
def test_help_is_shown(name: str) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        command(name).main(["--help"], prog_name=name)
    assert ended.value.code == 0
    _, _, one = verb(name)
    assert one.summary.split()[0] in out.getvalue()


@pytest.mark.parametrize("name", VERBS)
def test_an_unknown_flag_is_refused(name: str) -> None:
    _, _, one = verb(name)
    with pytest.raises(UsageError, match="unknown flag: --no-such-flag"):
        Options(one.options).parse(["--no-such-flag"])
