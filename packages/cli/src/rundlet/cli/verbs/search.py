"""`rundlet search`: find images in registries (podman-search(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.tls_details import TLS_DETAILS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.transports.docker.search import Found

VERB = Verb(
    name="search",
    summary="Search registry for image",
    usage="[options] TERM",
    description="Searches a registry (REGISTRY/TERM, or REGISTRY/ for all of it), or with a TERM"
    " alone those that registries.conf lists for short names.",
    run="rundlet.cli.verbs.search:run",
    options=(
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Flag("compatible", help="List stars, official and automated columns"),
        Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
        Option("filter", "f", help="Filter output: stars=N, is-official, is-automated", many=True),
        Option("format", help="Change the output format to JSON or a Go template", kind="template"),
        Option("limit", help="Limit the number of results", kind="int"),
        Flag("list-tags", help="List the tags of the input repository"),
        Flag("no-trunc", help="Do not truncate the output"),
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="none"),
    examples=("rundlet search localhost:5000/", "rundlet search --list-tags quay.io/podman/hello"),
)  # fmt: skip

_FOUND, _TAGS = 25, 10
"""How many are listed where --limit does not say."""
_TRUNCATED = 44  # characters of a description
_NOTHING = {"Index": "", "Description": "", "Stars": 0, "Official": "", "Automated": ""}
"""The other fields of a row of --list-tags."""


def run(context: Context, arguments: Parsed) -> int:
    """Search, and print a table."""
    from rundlet.core.errors import UsageError

    if arguments.flag("list-tags"):
        if arguments.texts("filter"):
            raise UsageError("filters are not applicable to list tags result")
        context.print(_tags(context, arguments), end="")
        return 0
    from .pull import transport_settings

    wanted = _wanted(arguments.texts("filter"))
    limit = arguments.number("limit") or _FOUND
    found, problems = context.engine.images.search(
        arguments.arguments[0], limit, settings=transport_settings(arguments)
    )
    for problem in problems:
        context.warn(problem)
    rows = [_fields(one, arguments) for one in found if _fits(one, wanted)]
    if rows or arguments.text("format") == "json":
        context.print(_shown(rows, arguments), end="")
    return 0


def _wanted(filters: Sequence[str]) -> dict[str, Any]:
    from rundlet.core.errors import InvalidArgument

    wanted: dict[str, Any] = {}
    for text in filters:
        key, _, value = text.partition("=")
        if key == "stars":
            if not value.isdecimal():
                raise InvalidArgument(f'incorrect value type for stars filter: "{value}"')
            wanted["stars"] = int(value)
        elif key in ("is-official", "is-automated"):
            wanted[key.removeprefix("is-")] = value != "false"
        else:
            raise InvalidArgument(f'invalid filter type "{text}"')
    return wanted


def _fits(one: Found, wanted: dict[str, Any]) -> bool:
    return (
        one.stars >= int(wanted.get("stars", 0))
        and one.official is wanted.get("official", one.official)
        and one.automated is wanted.get("automated", one.automated)
    )


def _fields(one: Found, arguments: Parsed) -> dict[str, Any]:
    description = " ".join(one.description.split())
    whole = arguments.flag("no-trunc") or arguments.text("format") == "json"
    if len(description) > _TRUNCATED and not whole:
        description = description[:_TRUNCATED].strip() + "..."
    return {
        "Index": one.index,
        "Name": one.name,
        "Description": description,
        "Stars": one.stars,
        "Official": "[OK]" if one.official else "",
        "Automated": "[OK]" if one.automated else "",
        "Tag": "",
    }


def _shown(rows: list[dict[str, Any]], arguments: Parsed) -> str:
    from rundlet.core.format.output import pretty
    from rundlet.core.format.output import rows as formatted
    from rundlet.core.format.table import table

    form = arguments.text("format")
    if form == "json":
        return pretty(rows) + "\n"
    if form:
        return formatted(rows, form)
    columns = ["Name", "Description"]
    if arguments.flag("compatible"):
        columns += ["Stars", "Official", "Automated"]
    lines = [tuple(name.upper() for name in columns)]
    return table([*lines, *(tuple(str(row[name]) for name in columns) for row in rows)])


def _tags(context: Context, arguments: Parsed) -> str:
    from rundlet.core.format.output import pretty
    from rundlet.core.format.output import rows as formatted
    from rundlet.core.format.table import table

    from .pull import transport_settings

    name = arguments.arguments[0].removeprefix("docker://")
    tags = context.engine.images.tags(name, settings=transport_settings(arguments))
    tags = tags[: arguments.number("limit") or _TAGS]
    form = arguments.text("format")
    if form == "json":
        return pretty([{"Name": name, "Tags": list(tags)}]) + "\n"
    if form:
        return formatted([{**_NOTHING, "Name": name, "Tag": tag} for tag in tags], form)
    return table([("NAME", "TAG"), *((name, tag) for tag in tags)])
