"""`rundlet stats`: what containers use, as a live table (podman-stats(1))."""

from __future__ import annotations

import time

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.stats import Stats
    from rundlet.core.state.containers import ContainerRow

VERB = Verb(
    name="stats",
    summary="Display a live stream of container resource usage statistics",
    usage="[options] [CONTAINER...]",
    run="rundlet.cli.verbs.stats:run",
    options=(
        Flag("all", "a", help="Show all containers, also those that do not run"),
        Option(
            "format",
            help="Pretty-print container statistics to JSON or using a Go template",
            kind="template",
        ),
        Option("interval", "i", help="Seconds between reports", kind="int", default="5"),
        Flag("latest", "l", help="Act on the latest container"),
        Flag("no-reset", help="Disable resetting the screen between intervals"),
        Flag("no-stream", help="Disable streaming stats and only pull the first result"),
        Flag("no-trunc", help="Do not truncate output"),
    ),
    arguments=Arguments(completes="running"),
    examples=("rundlet stats --all --no-stream", "rundlet stats web"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Measure and print, again and again until interrupted."""
    _check(arguments)
    before: dict[str, Stats] = {}
    while True:
        rows = _rows(context, arguments)
        named = bool(arguments.arguments)
        found = {row.id: _measure(context, row, before, named=named) for row in rows}
        _clear(context, arguments)
        _print(context, arguments, rows, found)
        if arguments.flag("no-stream"):
            return 0
        before = {name: stats for name, stats in found.items() if stats is not None}
        context.stdout.flush()
        time.sleep(arguments.number("interval") or 5)


def _check(arguments: Parsed) -> None:
    from rundlet.core.errors import UsageError

    chosen = sum(map(bool, (arguments.flag("all"), arguments.flag("latest"), arguments.arguments)))
    if chosen > 1:
        raise UsageError("--all, --latest and containers cannot be used together")


def _rows(context: Context, arguments: Parsed) -> Sequence[ContainerRow]:
    containers = context.engine.containers
    if arguments.arguments:
        return [containers.get(name) for name in arguments.arguments]
    rows = containers.list()
    if arguments.flag("latest"):
        return rows[-1:]
    return [row for row in rows if arguments.flag("all") or row.status == "running"]


def _measure(
    context: Context, row: ContainerRow, before: dict[str, Stats], *, named: bool
) -> Stats | None:
    """None: nothing to tell. Raises NotSupported for a named one that cannot be measured."""
    from rundlet.core.errors import NoSuchContainer, NotSupported, WrongState

    try:
        return context.engine.containers.stats(row.id, before.get(row.id))
    except (WrongState, NoSuchContainer):
        return None  # it has just ended
    except NotSupported:
        if named:
            raise
        return None


def _clear(context: Context, arguments: Parsed) -> None:
    streaming = not arguments.flag("no-stream") and not arguments.flag("no-reset")
    if streaming and not arguments.text("format") and context.stdout.isatty():
        context.print("\033[2J\033[H", end="")


def _print(
    context: Context,
    arguments: Parsed,
    listed: Sequence[ContainerRow],
    found: dict[str, Stats | None],
) -> None:
    from rundlet.core.format.output import pretty, rows

    from ..listing.stats import HEADINGS, TABLE, document, fields

    form = arguments.text("format") or TABLE
    if form == "json":
        context.print(pretty([document(row, found[row.id]) for row in listed], 1))
        return
    whole = arguments.flag("no-trunc")
    data = [fields(row, found[row.id], whole=whole) for row in listed]
    context.print(rows(data, form, headings=HEADINGS), end="")
