"""`rundlet secret inspect`: secrets as JSON (podman-secret-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="secret inspect",
    summary="Inspect a secret",
    usage="[options] SECRET [SECRET...]",
    run="rundlet.cli.verbs.secret_inspect:run",
    options=(
        Option("format", "f", help="Format inspect output using Go template", kind="template"),
        Flag("pretty", help="Print inspect output in human-readable format"),
        Flag("showsecret", help="Display the secret"),
    ),
    arguments=Arguments(minimum=1, completes="secrets"),
    examples=("rundlet secret inspect MYSECRET",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print those that are there, then tell of each that is not."""
    from rundlet.core.errors import NoSuchSecret, UsageError
    from rundlet.core.format.output import pretty, rows

    form = arguments.text("format")
    if form and arguments.flag("pretty"):
        raise UsageError("cannot specify format and pretty")
    documents, problems = [], []
    show = arguments.flag("showsecret")
    for name in arguments.arguments:
        try:
            documents.append(context.engine.secrets.inspect(name, show_value=show))
        except NoSuchSecret as error:
            problems.append(str(error))
    if arguments.flag("pretty"):
        context.print("".join(_pretty(document) for document in documents), end="")
    elif form and form != "json":
        from ..listing.documents import struct

        context.print(rows([struct({"SecretData": "", **one}) for one in documents], form), end="")
    else:
        context.print(pretty(documents))
    for problem in problems:
        context.stderr.write(f"Error: inspecting secret: {problem}\n")
    return 125 if problems else 0


def _pretty(document: dict[str, Any]) -> str:
    specification = document["Spec"]
    lines = [f"{'ID:':<19}{document['ID']}", f"{'Name:':<19}{specification['Name']}"]
    if specification["Labels"]:
        lines.append("Labels:")
        labels = sorted(specification["Labels"].items())
        lines += [f" - {key}={value}" if value else f" - {key}" for key, value in labels]
    lines.append(f"{'Driver:':<19}{specification['Driver']['Name']}")
    for title, key in (("Created at:", "CreatedAt"), ("Updated at:", "UpdatedAt")):
        lines.append(f"{title:<19}{document[key].replace('T', ' ').replace('Z', ' +0000 UTC')}")
    if "SecretData" in document:
        lines.append(f"{'Secret:':<19}{document['SecretData']}")
    return "\n".join(lines) + "\n"
