"""`rundlet-build containers`: list working containers (buildah-containers(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.state.containers import ContainerRow

VERB = Verb(
    name="containers",
    summary="List working containers and their base images",
    run="rundlet.build.verbs.containers:run",
    options=(
        Flag("all", "a", "Also list containers that are not working containers"),
        Option("filter", "f", "Filter by ancestor=, id= or name=", many=True),
        Option("format", help="Pretty-print containers using a Go template"),
        Flag("json", help="Output in JSON format"),
        Flag("noheading", "n", "Do not print column headings"),
        Flag("notruncate", help="Do not truncate output"),
        Flag("quiet", "q", "Display only container IDs"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet-build containers --format '{{.ContainerID}} {{.ContainerName}}'",),
)

_HEADING = ("CONTAINER ID", "BUILDER", "IMAGE ID", "IMAGE NAME", "CONTAINER NAME")


def run(context: Context, arguments: Parsed) -> int:
    """Print the list."""
    from rundlet.core.state.containers import everything, external

    rows: list[ContainerRow] = list(external(context.engine.database))
    if arguments.flag("all"):
        rows = sorted([*rows, *everything(context.engine.database)], key=lambda row: row.created)
    rows = [row for row in rows if _wanted(context, row, arguments.texts("filter"))]
    whole = arguments.flag("notruncate")
    if arguments.flag("json"):
        from rundlet.core.format.output import pretty

        context.print(pretty([_object(row) for row in rows]) if rows else "null")
    elif arguments.text("format"):
        from rundlet.core.format.output import rows as formatted

        lines = [_line(row, whole) for row in rows]
        context.print(formatted(lines, arguments.text("format")), end="")
    elif arguments.flag("quiet"):
        context.print("".join(f"{row.id}\n" for row in rows), end="")
    else:
        context.print(_table(rows, arguments, whole), end="")
    return 0


def _wanted(context: Context, row: ContainerRow, filters: tuple[str, ...]) -> bool:
    from rundlet.core.errors import InvalidArgument

    for text in filters:
        key, equals, value = text.partition("=")
        if not equals or key not in ("ancestor", "id", "name"):
            raise InvalidArgument(f"invalid filter {text!r}", remedy="ancestor=, id= or name=")
        if key == "id" and not row.id.startswith(value):
            return False
        if key == "name" and value not in row.name:
            return False
        if key == "ancestor" and value not in row.image_name and not row.image.startswith(value):
            return False
    return True


def _table(rows: list[ContainerRow], arguments: Parsed, whole: bool) -> str:
    """Buildah's columns: fixed widths, the builder's mark in the middle of its own."""
    width = 64 if whole else 12
    lines = []
    if rows and not arguments.flag("noheading"):
        one, two, three, four, five = _HEADING
        lines.append(f"{one:<{width}}  {two:<8} {three:<{width}} {four:<32} {five}\n")
    for row in rows:
        cell = _line(row, whole)
        mark = "   *" if row.status == "external" else ""
        lines.append(
            f"{cell['ContainerID']:<{width}}  {mark:<8} {cell['ImageID']:<{width}}"
            f" {cell['ImageName']:<32} {cell['ContainerName']}\n"
        )
    return "".join(lines)


def _line(row: ContainerRow, whole: bool) -> dict[str, Any]:
    return {
        "ContainerID": row.id if whole else row.id[:12],
        "Builder": "   *" if row.status == "external" else "",
        "ImageID": row.image if whole else row.image[:12],
        "ImageName": row.image_name,
        "ContainerName": row.name,
    }


def _object(row: ContainerRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "builder": row.status == "external",
        "imageid": row.image,
        "imagename": row.image_name,
        "containername": row.name,
    }
