"""How a verb is declared: once, as data, with no imports.

The fast parser (`commands.parse`) reads the declaration on every run; typer
(`commands.help`) is built from the same one, on demand, for help and completion.

    VERB = Verb(
        name="kill",
        summary="Kill one or more running containers with a specific signal",
        usage="[options] CONTAINER [CONTAINER...]",
        options=(
            Flag("all", "a", help="Signal all running containers"),
            Option("signal", "s", metavar="signal", default="KILL", help="Signal to send"),
        ),
        arguments=Arguments(minimum=1),
        run="rundlet.cli.verbs.kill:run",
    )
"""

from __future__ import annotations

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Context, Parsed

    Run = Callable[[Context, Parsed], int]


class Flag(Value):
    """A switch: `--all`, `-a`, `--all=false`. `hidden` ones are parsed, not shown.

    local: of a program's options, one that is not understood after the verb (`--version`).
    """

    name: str
    short: str = ""
    help: str = ""
    default: bool = False
    hidden: bool = False
    local: bool = False


class Option(Value):
    """An option with a value: `--signal X`, `--signal=X`, `-s X`, `-sX`.

    many: may be repeated; the value is a list. Else the last one counts.
    split: with `many`, a comma separates values too (pflag's StringSlice).
    optional: the value that a bare `--name` stands for (then only `--name=X` sets another).
    kind: "str" | "int" | "uint" | "float" | "duration" (a Go duration or seconds; float seconds)
        | "template" (of `--format`).
    choices: the only values allowed, or () for any.
    completes: what names to complete, one of `names.NAMES` or "files".
    setting: the one of `settings.snapshot` that counts where the option is not given, for --help.
    """

    name: str
    short: str = ""
    help: str = ""
    metavar: str = "string"
    default: str | None = None
    many: bool = False
    split: bool = False
    optional: str | None = None
    kind: str = "str"
    choices: tuple[str, ...] = ()
    completes: str = ""
    hidden: bool = False
    aliases: tuple[str, ...] = ()
    setting: str = ""


class Arguments(Value):
    """Positional arguments: how many, and what they name. maximum -1: any number.

    interspersed: False stops option parsing at the first one (run, create, exec: all after
        IMAGE belongs to the container).
    completes: what names to complete (see Option); several words are of one argument each, the
        last of all that follow.
    """

    minimum: int = 0
    maximum: int = -1
    interspersed: bool = True
    completes: str = ""


class Verb(Value):
    """A command. `name` is as typed ("ps", "plugin ls"); `run` names "module:function".

    The module is imported when the verb runs, so a declaration may live in a module
    of its own where its function is heavy; mostly both share one.
    """

    name: str
    summary: str
    run: str
    usage: str = "[options]"
    description: str = ""
    options: tuple[Flag | Option, ...] = ()
    arguments: Arguments = Arguments(maximum=0)
    examples: tuple[str, ...] = ()
    hidden: bool = False


class Group(Value):
    """A word that only has subcommands ("plugin", "image"); they are entry points "plugin.ls"."""

    name: str
    summary: str
    description: str = ""
    hidden: bool = False


class Program(Value):
    """One of the executables: where its verbs come from and its global options.

    default: the verb that is run when none is named; "": that is an error.
    suggested: "module:mapping" of values that shells offer for options (`complete.suggestions`).
    absent: "module:mapping" of verbs that users may look for here in vain, to the reason.
    logs: whether it writes a log of its own, at the level of --log-level.
    """

    name: str
    summary: str
    group: str
    options: tuple[Flag | Option, ...] = ()
    default: str = ""
    suggested: str = ""
    absent: str = ""
    logs: bool = False
