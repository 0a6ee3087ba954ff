"""`rundlet mount`: mount containers' root file systems (podman-mount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="mount",
    summary="Mount a working container's root filesystem",
    usage="[options] [CONTAINER...]",
    description="Mounts root file systems and prints where; without names, lists those mounted.",
    run="rundlet.cli.verbs.mount:run",
    options=(
        Flag("all", "a", help="Mount all containers"),
        Option("format", help="Print the mounted containers in specified format (json)",
               choices=("json",)),
        LATEST,
        Flag("no-trunc", help="Do not truncate output", ),
    ),
    arguments=Arguments(completes="containers"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Mount and print the paths, or list."""
    from ..selecting import chosen

    names = chosen(context, arguments, whole=False)
    containers = context.engine.containers
    if not names and not arguments.flag("all"):
        _list(context, arguments)
        return 0
    for name in names:
        path = containers.mount(name)
        context.print(path if len(arguments.arguments) == 1 else f"{name} {path}")
    return 0


def _list(context: Context, arguments: Parsed) -> None:
    from rundlet.core.format.output import pretty
    from rundlet.core.format.table import table

    found = context.engine.containers.mounted()
    if arguments.text("format") == "json":
        documents = [{"id": row.id, "Names": [row.name], "mountpoint": path} for row, path in found]
        context.print(pretty(documents, 1))
        return
    cut = None if arguments.flag("no-trunc") else 12
    context.print(table([[row.id[:cut], path] for row, path in found]), end="")
