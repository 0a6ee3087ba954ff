"""`rundlet image mount`: mount images read-only (podman-image-mount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image mount",
    summary="Mount an image's root filesystem",
    usage="[options] [IMAGE...]",
    description="Mounts images read-only and prints where; without names, lists those mounted.",
    run="rundlet.cli.verbs.image_mount:run",
    options=(
        Flag("all", "a", help="Mount all images"),
        Option("format", help="Print the mounted images in specified format (json)",
               choices=("json",)),
    ),
    arguments=Arguments(completes="images"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Mount and print the paths, or list."""
    from rundlet.core.errors import UsageError

    images, names = context.engine.images, arguments.arguments
    if arguments.flag("all"):
        if names:
            raise UsageError("when using the --all switch, you may not pass any image names or IDs")
        names = tuple(row.id for row in images.list())
    elif not names:
        _list(context, arguments)
        return 0
    for name in names:
        path = images.mount(name)
        context.print(path if len(names) == 1 else f"{name} {path}")
    return 0


def _list(context: Context, arguments: Parsed) -> None:
    from rundlet.core.format.output import pretty
    from rundlet.core.format.table import table

    found = context.engine.images.mounted()
    if arguments.text("format") == "json":
        documents = [
            {"id": image.id, "Names": [f"sha256:{image.id}"], "Repositories": list(image.names),
             "mountpoint": path}
            for image, path in found
        ]  # fmt: skip
        context.print(pretty(documents, 1))
        return
    cells = [[image.names[0] if image.names else image.id, path] for image, path in found]
    context.print(table(cells), end="")
