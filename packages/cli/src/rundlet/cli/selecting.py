"""Which containers a verb is about, and doing it to one after another.

The options that podman's verbs share: --all, --latest, --filter, --cidfile, --ignore.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option
from rundlet.core.errors import InvalidArgument, NoSuchContainer, RundletError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rundlet.core.commands.context import Context, Parsed

LATEST = Flag("latest", "l", help="Act on the latest container")
CIDFILE = Option(
    "cidfile", help="Read the container ID from the file", many=True, completes="files"
)
FILTER = Option("filter", "f", help="Filter output based on conditions given", many=True)
TIME = Option(
    "time",
    "t",
    help="Seconds to wait for stop before killing the container",
    kind="int",
    aliases=("timeout",),
)
RUNNING = ("running", "paused", "stopping")


def chosen(
    context: Context, arguments: Parsed, *, statuses: Sequence[str] = (), whole: bool = True
) -> list[str]:
    """Names or ids of the containers that the options and arguments name, in order.

    statuses: which ones --all (and --filter) means, () for all. whole: whether none at all
    is an error. Of containers that are named, a filter leaves those that pass it. Raises
    UsageError where options contradict, InvalidArgument for a cidfile, NoSuchContainer.
    """
    everything = _given(arguments, "all")
    named = [*arguments.arguments, *_cidfiles(arguments)]
    latest, filters = _given(arguments, "latest"), arguments.values.get("filter") or ()
    if latest and (everything or named):
        raise UsageError("--all and --latest cannot be used together" if everything else
                         "--latest and containers cannot be used together")  # fmt: skip
    if everything and named:
        raise UsageError("no arguments are needed with --all")
    if latest:
        rows = context.engine.containers.list()
        if not rows:
            raise NoSuchContainer("latest")
        return [rows[-1].id]
    if named and filters:
        passed = _listed(context, tuple(filters), ())
        return [name for name in named if _identity(context, arguments, name) in passed]
    if everything or filters:
        return _listed(context, tuple(filters), statuses)
    if not named and whole:
        raise UsageError("you must provide at least one name or id")
    return named


def _given(arguments: Parsed, name: str) -> bool:
    return bool(arguments.values.get(name))


def _identity(context: Context, arguments: Parsed, name: str) -> str:
    try:
        return context.engine.containers.get(name).id
    except NoSuchContainer:
        if _given(arguments, "ignore"):
            return ""
        raise


def _listed(context: Context, filters: Sequence[str], statuses: Sequence[str]) -> list[str]:
    rows = context.engine.containers.list()
    if filters:
        from .listing.container_filters import containers

        rows = containers(context.engine, rows, filters)
    return [row.id for row in rows if not statuses or row.status in statuses]


def _cidfiles(arguments: Parsed) -> list[str]:
    found = []
    for path in arguments.values.get("cidfile") or ():
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                found.append(file.readline().strip())
        except OSError as error:
            if not _given(arguments, "ignore"):
                reason = (error.strerror or "").lower()  # as Go has it
                raise InvalidArgument(f"reading CIDFile: open {path}: {reason}") from None
    return found


def each(
    context: Context,
    names: Sequence[str],
    act: Callable[[str], object],
    *,
    ignore: bool = False,
    missing: int = 125,
    quiet: bool = False,
) -> int:
    """Do it to each and print the name; errors are told and do not keep the others.

    ignore: containers that are not there are none. quiet: no names. missing: the exit code when
    that was the only kind of failure. Returns the exit code.
    """
    code = 0
    for name in names:
        try:
            act(name)
        except NoSuchContainer as error:
            if ignore:
                continue
            context.stderr.write(f"Error: {error}\n")
            code = code or missing
        except RundletError as error:
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code if code in (0, missing) else max(code, error.exit_code)
        else:
            if not quiet:
                context.print(name)
    return code
