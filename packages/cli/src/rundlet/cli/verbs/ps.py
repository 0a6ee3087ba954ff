"""`rundlet ps`: list containers (podman-ps(1)). The hottest verb: it imports next to nothing."""

from __future__ import annotations

import time

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.state.containers import ContainerRow

VERB = Verb(
    name="ps",
    summary="List containers",
    usage="[options]",
    description="Prints out information about the containers.",
    run="rundlet.cli.verbs.ps:run",
    options=(
        Flag("all", "a", help="Show all the containers, default is only running containers"),
        Flag("external", help="Show containers in storage not controlled by rundlet"),
        Option("filter", "f", help="Filter output based on conditions given", many=True),
        Option(
            "format", help="Pretty-print containers to JSON or using a Go template", kind="template"
        ),
        Option("last", "n", help="Print the n last created containers", kind="int", default="-1"),
        Flag("latest", "l", help="Show the latest container"),
        Flag("namespace", help="Display namespace information"),
        Flag("ns", help="Display namespace information", hidden=True),
        Flag("no-trunc", help="Display the extended information"),
        Flag("noheading", help="Do not print headers"),
        Flag("pod", "p", help="Print the ID and name of the pod the containers are in"),
        Flag("quiet", "q", help="Print the numeric IDs of the containers only"),
        Flag("size", "s", help="Display the total file sizes"),
        Option(
            "sort",
            help="Sort output by",
            default="created",
            choices=("command", "created", "id", "image", "names", "runningfor", "size", "status"),
        ),
        Flag("sync", help="Sync container state with OCI runtime"),
        Option("watch", "w", help="Watch the output on an interval in seconds", kind="int"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet ps -a", "rundlet ps --format '{{.ID}} {{.Status}}'"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the list; again and again with --watch."""
    _check(arguments)
    interval = arguments.number("watch")
    while True:
        context.print(_list(context, arguments), end="")
        if not interval:
            return 0
        context.stdout.flush()
        time.sleep(interval)
        context.print("\033[H\033[2J", end="")


def _check(arguments: Parsed) -> None:
    from rundlet.core.errors import UsageError

    if arguments.flag("quiet") and (arguments.flag("size") or arguments.flag("namespace")):
        raise UsageError("quiet conflicts with size and namespace")
    if arguments.flag("latest") and arguments.number("last") not in (None, -1):
        raise UsageError("last and latest are mutually exclusive")
    if arguments.flag("size") and arguments.flag("namespace"):
        raise UsageError("size and namespace options conflict")


def _list(context: Context, arguments: Parsed) -> str:
    rows = _select(context, arguments)
    form = arguments.text("format")
    if arguments.flag("quiet") and not form:
        whole = arguments.flag("no-trunc")
        return "".join(f"{row.id if whole else row.id[:12]}\n" for row in rows)
    if form or _unusual(arguments):
        from ..listing.containers import show

        return show(context.engine, rows, arguments)
    now = time.time_ns()
    whole = arguments.flag("no-trunc")
    lines = [cells(row, now, whole) for row in rows]
    if not arguments.flag("noheading"):
        lines.insert(0, HEADING)
    from rundlet.core.format.table import table

    return table(lines)


def _unusual(arguments: Parsed) -> bool:
    return any(arguments.flag(name) for name in ("size", "namespace", "ns", "pod"))


def _select(context: Context, arguments: Parsed) -> list[ContainerRow]:
    """The rows wanted, in podman's order: newest last."""
    rows = context.engine.containers.list()
    filters = arguments.texts("filter")
    last = 1 if arguments.flag("latest") else arguments.number("last") or -1
    if not arguments.flag("all") and last < 0 and not any(f.startswith("status=") for f in filters):
        rows = [row for row in rows if row.status in ("running", "paused", "stopping")]
    if arguments.flag("external"):
        from rundlet.core.state.containers import external

        rows.extend(external(context.engine.database))
    if filters:
        from ..listing.container_filters import containers

        rows = containers(context.engine, rows, filters)
    if last >= 0:
        rows = sorted(rows, key=lambda row: row.created)[-last:] if last else []
    if arguments.text("sort") != "created":
        from ..listing.containers import sort

        return sort(context.engine, rows, arguments.text("sort"))
    return sorted(rows, key=lambda row: row.created)


HEADING = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")


def cells(row: ContainerRow, now: int, whole: bool = False) -> tuple[str, ...]:
    """One line of the default table."""
    from rundlet.core.format.units import ago

    command = row.command if whole or len(row.command) <= 20 else row.command[:17] + "..."
    return (
        row.id if whole else row.id[:12],
        row.image_name,
        command,
        ago(row.created, now),
        status(row, now),
        row.ports,
        row.name,
    )


def status(row: ContainerRow, now: int) -> str:
    """ "Up 2 minutes (healthy)", "Exited (127) 7 seconds ago", "Created" (podman ps)."""
    from rundlet.core.format.units import duration

    if row.status == "running":
        health = f" ({row.health})" if row.health else ""
        return f"Up {duration((now - row.started) / 1e9)}{health}"
    if row.status == "exited":
        since = duration((now - row.finished) / 1e9)
        return f"Exited ({row.exit_code}) {since} ago"
    if row.status == "paused":
        return "Paused"
    if row.status == "external":
        return "Storage"  # podman's word for what it does not run
    return row.status.capitalize()
