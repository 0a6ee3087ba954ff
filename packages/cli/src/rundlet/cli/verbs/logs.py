"""`rundlet logs`: what containers printed (podman-logs(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.logs import LogLine, LogOptions

VERB = Verb(
    name="logs",
    summary="Fetch the logs of one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.logs:run",
    options=(
        Flag("color", help="Output the containers with different colors in the log"),
        Flag("details", help="Docker's; does nothing", hidden=True),
        Flag("follow", "f", help="Follow log output"),
        LATEST,
        Flag("names", "n", help="Output the container name in the log"),
        Option("since", help="Show logs since TIMESTAMP"),
        Option("tail", help="Output the specified number of LINES at the end of the logs",
               kind="int", default="-1"),
        Flag("timestamps", "t", help="Output the timestamps in the log"),
        Option("until", help="Show logs until TIMESTAMP"),
    ),
    arguments=Arguments(completes="containers"),
    examples=("rundlet logs --tail 2 web", "rundlet logs -f --since 10m web"),
)  # fmt: skip

_COLORS = ("\033[37m", "\033[31m", "\033[33m", "\033[34m", "\033[35m", "\033[36m", "\033[32m")


def run(context: Context, arguments: Parsed) -> int:
    """Print them to where the container printed: standard output or error."""
    from ..selecting import chosen

    names = chosen(context, arguments)
    containers = [context.engine.containers.get(name) for name in names]
    several = len(containers) > 1
    prefixes = [
        _prefix(arguments, number, row.name, row.id, several=several)
        for number, row in enumerate(containers)
    ]
    options = _options(arguments)
    ids = [row.id for row in containers]
    if several and options.follow:
        _follow_all(context, arguments, ids, prefixes, options)
        return 0
    printer = _Printer(context, arguments)
    for container, prefix in zip(ids, prefixes, strict=True):
        for line in context.engine.containers.logs(container, options):
            printer.write(prefix, line)
    return 0


def _options(arguments: Parsed) -> LogOptions:
    from rundlet.core.containers.logs import LogOptions

    since, until = arguments.text("since"), arguments.text("until")
    if since or until:
        from ..listing.filters import moment
    tail = arguments.number("tail")
    return LogOptions(
        tail=-1 if tail is None else tail,
        since=moment(since) if since else None,
        until=moment(until, ahead=True) if until else None,
        follow=arguments.flag("follow"),
    )


def _prefix(arguments: Parsed, number: int, name: str, identity: str, *, several: bool) -> str:
    if not (several or arguments.flag("color")):
        return ""
    shown = ""
    if several:
        shown = f"{name if arguments.flag('names') else identity[:12]} "
    return _COLORS[number % len(_COLORS)] + shown if arguments.flag("color") else shown


class _Printer:
    """Writes lines to where their containers wrote them, in the order in which they did."""

    def __init__(self, context: Context, arguments: Parsed) -> None:
        context.stdout.flush()
        self._out, self._err = context.stdout.buffer, context.stderr.buffer
        self._color = arguments.flag("color")
        self._timestamps = arguments.flag("timestamps")
        self._at_once = arguments.flag("follow")

    def write(self, prefix: str, line: LogLine) -> None:
        """Write a line; who follows a log sees it at once."""
        stream, other = self._out, self._err
        if line.stream == "stderr":
            stream, other = other, stream
        other.flush()
        begin = prefix
        if self._timestamps:
            time = line.time.removesuffix("+00:00")  # the zone that Go writes as Z
            begin += f"{time} " if time == line.time else f"{time}Z "
        end = b"\033[0m\n" if self._color else b"\n" if line.whole else b""
        stream.write(begin.encode() + line.text + end)
        if self._at_once:
            stream.flush()


def _follow_all(
    context: Context,
    arguments: Parsed,
    ids: Sequence[str],
    prefixes: Sequence[str],
    options: LogOptions,
) -> None:
    """Several containers at once, each in a thread with an engine of its own."""
    from threading import Lock, Thread

    from rundlet.core.engine import Engine

    lock = Lock()
    printer = _Printer(context, arguments)

    def follow(container: str, prefix: str) -> None:
        with Engine(context.engine.settings) as engine:
            for line in engine.containers.logs(container, options):
                with lock:
                    printer.write(prefix, line)

    pairs = zip(ids, prefixes, strict=True)
    threads = [Thread(target=follow, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
