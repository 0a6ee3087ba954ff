"""`rundlet images`: list images (podman-images(1)). Hot: imports next to nothing."""

from __future__ import annotations

import time

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.images.summary import ImageSummary

VERB = Verb(
    name="images",
    summary="List images in local storage",
    usage="[options] [IMAGE]",
    run="rundlet.cli.verbs.images:run",
    options=(
        Flag("all", "a", help="Show all images (default hides intermediate images)"),
        Flag("digests", help="Show digests"),
        Option("filter", "f", help="Filter output based on conditions provided", many=True),
        Option("format", help="Change the output format to JSON or a Go template", kind="template"),
        Flag("history", help="Display the image name history"),
        Flag("no-trunc", help="Do not truncate output"),
        Flag("noheading", "n", help="Do not print column headings"),
        Flag("quiet", "q", help="Display only image IDs"),
        Option(
            "sort",
            help="Sort by",
            default="created",
            choices=("created", "id", "repository", "size", "tag"),
        ),
    ),
    arguments=Arguments(maximum=1, completes="images"),
)


_HEADINGS = ("REPOSITORY", "TAG", "DIGEST", "IMAGE ID", "CREATED", "SIZE", "HISTORY", "R/O")


def run(context: Context, arguments: Parsed) -> int:
    """Print the list."""
    rows = list(context.engine.images.list())
    filters = list(arguments.texts("filter"))
    if arguments.arguments:
        filters.append(f"reference={arguments.arguments[0]}")
    if filters:
        from ..listing.image_filters import images

        rows = images(context.engine, rows, filters)
    form = arguments.text("format")
    if form:
        from ..listing.images import show

        context.print(show(context.engine, rows, arguments), end="")
        return 0
    whole = arguments.flag("no-trunc")
    if arguments.flag("quiet"):
        ids = dict.fromkeys(f"sha256:{row.id}" if whole else row.id[:12] for row in rows)
        context.print("".join(f"{identity}\n" for identity in ids), end="")
        return 0
    now = time.time_ns()
    lines = [line for row in rows for line in cells(row, now, whole)]
    _sort(lines, rows, arguments.text("sort"))
    if not arguments.flag("noheading"):
        lines.insert(0, _HEADINGS)
    from rundlet.core.format.table import table

    context.print(table(_shown_columns(lines, arguments, rows)), end="")
    return 0


def _shown_columns(
    lines: Sequence[tuple[str, ...]], arguments: Parsed, rows: Sequence[ImageSummary]
) -> list[tuple[str, ...]]:
    """The lines without the columns that nobody asked for."""
    wanted = {
        "DIGEST": arguments.flag("digests"),
        "HISTORY": arguments.flag("history"),
        "R/O": any(row.store for row in rows),
    }
    places = [at for at, heading in enumerate(_HEADINGS) if wanted.get(heading, True)]
    return [tuple(line[at] for at in places) for line in lines]


def cells(row: ImageSummary, now: int, whole: bool = False) -> Iterator[tuple[str, ...]]:
    """A line per name of the image, with what `_HEADINGS` says."""
    from rundlet.core.format.units import ago, size

    identity = f"sha256:{row.id}" if whole else row.id[:12]
    read_only = "true" if row.store else "false"
    history = ", ".join(row.history) or "<none>"
    told = (row.digest, identity, ago(row.created, now), size(row.size), history, read_only)
    for name in row.names or ("<none>:<none>",):
        repository, _, tag = name.rpartition(":")
        yield repository, tag, *told


def _sort(lines: list[tuple[str, ...]], rows: list[ImageSummary], key: str) -> None:
    if key in ("repository", "tag", "id"):
        column = {"repository": 0, "tag": 1, "id": 3}[key]
        lines.sort(key=lambda line: line[column])
    elif key == "size":
        sizes = {row.id[:12]: row.size for row in rows}
        lines.sort(key=lambda line: sizes.get(line[3].removeprefix("sha256:")[:12], 0))
