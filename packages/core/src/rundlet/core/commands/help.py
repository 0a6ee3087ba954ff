"""`--help`: typer, built on demand from the declarations that the fast parser reads."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any

import typer
from typer.main import get_command

from .declare import Flag, Group, Option, Program, Verb
from .dispatch import Verbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def show(program: Program, words: Sequence[str]) -> int:
    """Print the help of the program, a group or a verb, as typer renders it."""
    command = get_command(application(program, words))
    path = [*words, "--help"]
    try:
        command.main(path, prog_name=program.name, standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    sys.stdout.flush()
    return 0


def application(program: Program, words: Sequence[str] = ()) -> typer.Typer:
    """A typer application with the verbs on the way to `words`, or all at the top."""
    verbs = Verbs(program)
    app = _typer(program.summary)
    app.callback()(_function(program.options, program.summary))
    _fill(app, verbs, "", list(words))
    return app


def _fill(app: typer.Typer, verbs: Verbs, below: str, words: list[str]) -> None:
    for name in verbs.names(below):
        if words and name != words[0]:
            continue
        path = f"{below}.{name}" if below else name
        declared = verbs.get(path)
        if isinstance(declared, Group):
            group = _typer(declared.summary)
            _fill(group, verbs, path, words[1:])
            app.add_typer(group, name=name, hidden=declared.hidden, help=declared.summary)
        elif isinstance(declared, Verb):
            _add(app, name, declared)


def _typer(summary: str) -> typer.Typer:
    return typer.Typer(help=summary, add_completion=False, no_args_is_help=False)


def _add(app: typer.Typer, name: str, verb: Verb) -> None:
    parts = [verb.summary, verb.description]
    parts += ["**Examples:**", *(f"`{example}`" for example in verb.examples)] * bool(verb.examples)
    app.command(
        name,
        help="\n\n".join(part for part in parts if part),
        short_help=verb.summary,
        options_metavar=verb.usage,
        hidden=verb.hidden,
    )(_function(verb.options, verb.summary))


def _function(options: Sequence[Flag | Option], summary: str) -> Callable[..., None]:
    """A function with a typer parameter for each option: only its signature matters."""

    def function(**values: object) -> None:
        return None

    parameters = []
    for number, option in enumerate(options):
        if option.hidden:
            continue
        parameters.append(_parameter(f"option_{number}", option))
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    function.__doc__ = summary
    return function


def _parameter(name: str, option: Flag | Option) -> inspect.Parameter:
    words = [f"--{option.name}", *([f"-{option.short}"] if option.short else [])]
    if isinstance(option, Flag):
        kind: Any = bool
        info = typer.Option(*words, help=option.help, show_default=option.default)
        default: object = option.default
    else:
        kind = list[str] if option.many else str
        info = typer.Option(
            *words,
            help=option.help,
            metavar=option.metavar,
            show_default=bool(option.default),
        )
        default = [] if option.many else (option.default or "")
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, info],
    )
