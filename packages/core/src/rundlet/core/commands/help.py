"""`--help`: typer, built on demand from the declarations that the fast parser reads."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any

import typer
from typer.main import get_command

from ..errors import PluginError
from ..plugins.faults import skipped
from .declare import Flag, Group, Option, Program, Verb
from .verbs import Verbs, programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPTIONS_METAVAR = "[options]"
_ELSEWHERE = "Programs on PATH"


def show(program: Program, words: Sequence[str]) -> int:
    """Print the help of the program, a group or a verb, as typer renders it.

    Raises UsageError for words that name nothing, BrokenPipeError when nobody reads on.
    """
    command = get_command(application(program, words))
    try:
        command.main([*words, "--help"], prog_name=program.name, standalone_mode=False)
    except SystemExit as end:
        if end.code:  # what rich and typer make of EPIPE
            raise BrokenPipeError from None
    sys.stdout.flush()
    return 0


def application(program: Program, words: Sequence[str] = ()) -> typer.Typer:
    """A typer application with the verbs on the way to `words`, or all at the top."""
    verbs = Verbs(program)
    app = _typer(program.summary)
    app.callback()(_function(program.options, program.summary))
    _fill(app, verbs, [], list(words))
    if not words:
        for name, path in sorted(programs(program).items()):
            if name not in verbs.names():
                app.command(name, help=f"{path}", rich_help_panel=_ELSEWHERE)(lambda: None)
    return app


def _fill(app: typer.Typer, verbs: Verbs, below: list[str], words: list[str]) -> None:
    """Add what is right below a group; deeper only along `words`."""
    names = verbs.names(".".join(below))
    if words and words[0] not in names:
        raise verbs.unknown(words[0], below)
    for name in names:
        if words and name != words[0]:
            continue
        declared = _declaration(verbs, ".".join((*below, name)), asked=bool(words))
        if isinstance(declared, Group):
            group = _typer(_text(declared.summary, declared.description))
            group.callback()(_function((), declared.summary))
            if words:
                _fill(group, verbs, [*below, name], words[1:])
            else:
                group.command("-")(lambda: None)  # only named at this level, not listed
            app.add_typer(group, name=name, hidden=declared.hidden, short_help=declared.summary)
        elif isinstance(declared, Verb):
            alias = not words and _is_alias(name, declared, names)
            _add(app, name, declared, hidden=declared.hidden or alias)


def _declaration(verbs: Verbs, name: str, *, asked: bool) -> Verb | Group | None:
    """A broken one is left out of a list and said aloud; asked for by name it is an error."""
    try:
        return verbs.get(name)
    except PluginError as error:
        if asked:
            raise
        skipped(error)
        return None


def _is_alias(name: str, verb: Verb, names: Sequence[str]) -> bool:
    """Whether this is a second name of a verb that is listed under its own."""
    own = verb.name.rpartition(" ")[2]
    return own != name and own in names


def _typer(text: str) -> typer.Typer:
    return typer.Typer(
        help=text,
        add_completion=False,
        no_args_is_help=False,
        options_metavar=_OPTIONS_METAVAR,
        subcommand_metavar="COMMAND",
        rich_markup_mode="markdown",
        context_settings={"max_content_width": 120},
    )


def _text(summary: str, description: str, examples: Sequence[str] = ()) -> str:
    parts = [summary, description]
    if examples:
        parts += ["**Examples:**", *(f"`{example}`" for example in examples)]
    return "\n\n".join(part for part in parts if part)


def _add(app: typer.Typer, name: str, verb: Verb, *, hidden: bool) -> None:
    app.command(
        name,
        help=_text(verb.summary, verb.description, verb.examples),
        short_help=verb.summary,
        options_metavar=verb.usage,
        hidden=hidden,
    )(_function(verb.options, verb.summary))


def _function(options: Sequence[Flag | Option], summary: str) -> Callable[..., None]:
    """A function with a typer parameter for each option: only its signature matters."""

    def function(**values: object) -> None:
        return None

    shown = [option for option in options if not option.hidden]
    parameters = [_parameter(f"option_{number}", one) for number, one in enumerate(shown)]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # for typer
    function.__annotations__ = {one.name: one.annotation for one in parameters}
    function.__doc__ = summary
    return function


def _parameter(name: str, option: Flag | Option) -> inspect.Parameter:
    words = [f"--{option.name}", *([f"-{option.short}"] if option.short else [])]
    kind: Any
    default: object
    if isinstance(option, Flag):
        kind, default = bool, option.default
        info = typer.Option(*words, help=option.help, show_default=option.default)
    else:
        words[1:1] = [f"--{alias}" for alias in option.aliases]
        kind = list[str] if option.many else str
        default = [] if option.many else (option.default or "")
        shown = _configured(option) if option.setting else option.default
        info = typer.Option(
            *words,
            help=_with_choices(option),
            metavar=option.metavar,
            show_default=shown or False,
        )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _configured(option: Option) -> str:
    """What counts where the option is not given, as the files say; "" for nothing of the kind."""
    from ..settings.load import load

    value = getattr(load(), option.setting)
    if value in (None, ""):
        return ""
    return f"{value:g}s" if option.kind == "duration" else str(value)


def _with_choices(option: Option) -> str:
    return f"{option.help} ({', '.join(option.choices)})" if option.choices else option.help
