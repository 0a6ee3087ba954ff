"""`rundlet volume inspect`: volumes as JSON (podman-volume-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume inspect",
    summary="Display detailed information on one or more volumes",
    usage="[options] VOLUME [VOLUME...]",
    run="rundlet.cli.verbs.volume_inspect:run",
    options=(
        Flag("all", "a", help="Inspect all volumes"),
        Option(
            "format",
            "f",
            help="Format volume output using Go template",
            default="json",
            kind="template",
        ),
    ),
    arguments=Arguments(completes="volumes"),
    examples=("rundlet volume inspect myvol", "rundlet volume inspect -f '{{.Mountpoint}}' myvol"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print those that are there, then tell of each that is not."""
    from rundlet.core.errors import NoSuchVolume, UsageError
    from rundlet.core.format.output import pretty, rows

    from ..listing.volumes import fields

    volumes, names = context.engine.volumes, arguments.arguments
    if arguments.flag("all") == bool(names):
        raise UsageError("provide one or more volume names or use --all")
    found, problems = [], []
    for name in names or [volume.name for volume in volumes.list()]:
        try:
            found.append(volumes.get(name))
        except NoSuchVolume as error:
            problems.append(str(error))
    form = arguments.text("format")
    if form == "json":
        context.print(pretty([volumes.inspect(volume) for volume in found], 5))
    else:
        context.print(rows([fields(context.engine, volume) for volume in found], form), end="")
    for problem in problems:
        context.stderr.write(f"Error: {problem}\n")
    return 125 if problems else 0
