"""`rundlet volume ls`: list volumes (podman-volume-ls(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume ls",
    summary="List volumes",
    run="rundlet.cli.verbs.volume_ls:run",
    options=(
        Option("filter", "f", help="Filter volume output", many=True, split=True),
        Option("format", help="Change the output format to JSON or a Go template", kind="template"),
        Flag("noheading", "n", help="Do not print headers"),
        Flag("quiet", "q", help="Print volume output in quiet mode"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet volume ls", "rundlet volume ls --filter dangling=true -q"),
)

_TABLE = "table {{.Driver}}\t{{.Name}}"
_HEADINGS = {"Name": "VOLUME NAME"}


def run(context: Context, arguments: Parsed) -> int:
    """Print them by name; without any, not even a heading."""
    from rundlet.core.errors import UsageError
    from rundlet.core.format.output import pretty, rows

    from ..listing.containers import pairs
    from ..listing.volumes import chosen, fields

    engine = context.engine
    form = arguments.text("format")
    if form and arguments.flag("quiet"):
        raise UsageError("quiet and format flags cannot be used together")
    volumes = chosen(engine, engine.volumes.list(), arguments.texts("filter"))
    if form == "json":
        context.print(pretty([engine.volumes.inspect(volume) for volume in volumes], 2))
        return 0
    if arguments.flag("quiet"):
        form = "{{.Name}}"
    if volumes or form:
        found = [fields(engine, volume) for volume in volumes]
        for row, volume in zip(found, volumes, strict=True):
            row["Labels"] = pairs(volume.labels)
        heading = not arguments.flag("noheading")
        text = rows(found, form or _TABLE, headings=_HEADINGS, heading=heading)
        context.print(text, end="")
    return 0
