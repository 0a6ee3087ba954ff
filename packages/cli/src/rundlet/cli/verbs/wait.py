"""`rundlet wait`: wait for containers and print their exit codes (podman-wait(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.engine import Engine

VERB = Verb(
    name="wait",
    summary="Block until one or more containers stop, then print their exit codes",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.wait:run",
    options=(
        Option("condition", help="Condition to wait on", many=True, split=True),
        Flag("exit-first-match", help="End when the first container fulfils the condition"),
        Flag("ignore", help="Ignore errors when a specified container is missing"),
        Option("interval", "i", help="Time between looks; we are woken instead", default="250ms"),
        LATEST,
    ),
    arguments=Arguments(completes="containers"),
    examples=("rundlet wait web", "rundlet wait --condition running web"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print each exit code, -1 for a container that does not end by its condition."""
    from ..selecting import chosen

    _check(arguments.text("interval"))
    names = chosen(context, arguments)
    if arguments.flag("exit-first-match") and len(names) > 1:
        context.print(str(_first(context, arguments, names)))
        return 0
    for name in names:
        context.print(str(_wait(context.engine, arguments, name)))
        context.stdout.flush()
    return 0


def _check(interval: str) -> None:
    from rundlet.core.commands.values import duration
    from rundlet.core.errors import InvalidArgument

    try:
        duration(interval)
    except ValueError:
        raise InvalidArgument(f'time: invalid duration "{interval}"') from None


def _wait(engine: Engine, arguments: Parsed, name: str) -> int:
    from rundlet.core.errors import NoSuchContainer

    try:
        return engine.containers.wait(name, arguments.texts("condition") or ("stopped",))
    except NoSuchContainer:
        if not arguments.flag("ignore"):
            raise
        return -1


def _first(context: Context, arguments: Parsed, names: Sequence[str]) -> int:
    """The code of whichever comes first: each is waited for with an engine of its own."""
    from queue import SimpleQueue
    from threading import Thread

    from rundlet.core.engine import Engine
    from rundlet.core.errors import RundletError

    found: SimpleQueue[int | RundletError] = SimpleQueue()

    def wait(name: str) -> None:
        with Engine(context.engine.settings) as engine:
            try:
                found.put(_wait(engine, arguments, name))
            except RundletError as error:
                found.put(error)

    for name in names:
        Thread(target=wait, args=(name,), daemon=True).start()
    first = found.get()
    if isinstance(first, RundletError):
        raise first
    return first
