"""`rundlet events`: what happens, as it happens (podman-events(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.views import Event

VERB = Verb(
    name="events",
    summary="Show events",
    usage="[options]",
    description="Monitors events: new ones as they occur; earlier ones with --since and --until.",
    run="rundlet.cli.verbs.events:run",
    options=(
        Option("filter", "f", help="Filter output", many=True),
        Option("format", help="Format the output using a Go template", kind="template"),
        Flag("no-trunc", help="Do not truncate the output", default=True),
        Option("since", help="Show all events created since timestamp"),
        Flag("stream", help="Stream events and do not exit", default=True),
        Option("until", help="Show all events until timestamp"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet events --since 1h", "rundlet events --filter event=died --stream=false"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print one line per event until --until, or until interrupted."""
    from rundlet.core.errors import NotSupported

    from ..listing.events import chosen, line

    if context.engine.settings.events_backend == "none":
        raise NotSupported(
            'cannot read events with the "none" backend',
            remedy="events_logger in containers.conf or --events-backend says so: none are kept",
        )
    passes = chosen(arguments.texts("filter"))
    form = arguments.text("format")
    whole = arguments.flag("no-trunc")
    for event in _events(context, arguments):
        if passes(event):
            context.print(line(event, form, whole=whole))
            context.stdout.flush()
    return 0


def _events(context: Context, arguments: Parsed) -> Iterator[Event]:
    """What is asked for: with --since or --until also what was, as podman has it.

    A future --until ends the stream then; a past one at once.
    """
    import time

    from rundlet.core.state import events

    from ..listing.filters import moment

    database = context.engine.database
    since, until = arguments.text("since"), arguments.text("until")
    start = moment(since) if since else 0
    end = moment(until, ahead=True) if until else 0
    if not arguments.flag("stream") or 0 < end <= time.time_ns():
        yield from events.between(database, start, end)
        return
    sequence = 0 if since or until else events.last(database)
    yield from events.follow(database, sequence, start, end)
