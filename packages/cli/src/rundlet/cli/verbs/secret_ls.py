"""`rundlet secret ls`: list secrets (podman-secret-ls(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.secrets.api import Secret

VERB = Verb(
    name="secret ls",
    summary="List secrets",
    run="rundlet.cli.verbs.secret_ls:run",
    options=(
        Option("filter", "f", help="Filter secret output (name=, id=)", many=True, split=True),
        Option("format", help="Format secret output using Go template or json", kind="template"),
        Flag("noheading", "n", help="Do not print headers"),
        Flag("quiet", "q", help="Print secret IDs only"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet secret ls", "rundlet secret ls --format '{{.Name}}'"),
)

_TABLE = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}"
_HEADINGS = {"CreatedAt": "CREATED", "UpdatedAt": "UPDATED"}


def run(context: Context, arguments: Parsed) -> int:
    """Print them by name, never their values."""
    import time

    from rundlet.core.format.output import rows
    from rundlet.core.format.units import ago

    now = time.time_ns()
    found = [
        {
            "ID": secret.id,
            "Name": secret.name,
            "Driver": secret.driver,
            "CreatedAt": ago(secret.created, now),
            "UpdatedAt": ago(secret.updated, now),
        }
        for secret in _chosen(context.engine.secrets.list(), arguments.texts("filter"))
    ]
    form = arguments.text("format") or ("{{.ID}}" if arguments.flag("quiet") else _TABLE)
    heading = not arguments.flag("noheading")
    context.print(rows(found, form, headings=_HEADINGS, heading=heading), end="")
    return 0


def _chosen(secrets: list[Secret], filters: tuple[str, ...]) -> list[Secret]:
    """Those that pass: any value of one key, all keys. Raises InvalidArgument."""
    import re

    from rundlet.core.errors import InvalidArgument

    from ..listing.filters import split

    for key, values in split(filters).items():
        if key == "name":
            secrets = [one for one in secrets if any(re.search(v, one.name) for v in values)]
        elif key == "id":
            secrets = [one for one in secrets if one.id.startswith(tuple(values))]
        else:
            raise InvalidArgument(f'invalid filter "{key}"')
    return secrets
