"""`rundlet secret create`: keep a secret (podman-secret-create(1))."""

from __future__ import annotations

import os
import sys

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="secret create",
    summary="Create a new secret",
    usage="[options] NAME FILE|-",
    description="Keeps what a file, standard input (-) or an environment variable holds.",
    run="rundlet.cli.verbs.secret_create:run",
    options=(
        Option("driver", "d", help="Specify secret driver (default: file)"),
        Option("driver-opts", help="Specify driver specific options", many=True, split=True,
               metavar="stringToString"),
        Flag("env", help="Read secret data from environment variable"),
        Flag("ignore", help="If a secret with the same name exists, print its ID and do not fail"),
        Option("label", "l", help="Specify labels on the secret", many=True),
        Flag("replace", help="If a secret with the same name exists, replace it"),
    ),
    arguments=Arguments(minimum=2, maximum=2, completes="none files"),
    examples=(
        "rundlet secret create mysecret /path/to/secret",
        "printf secretdata | rundlet secret create mysecret -",
    ),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Keep it and print its id."""
    from rundlet.core.errors import UsageError

    from ..request.environment import key_values

    name, source = arguments.arguments
    secrets = context.engine.secrets
    if arguments.flag("ignore") and arguments.flag("replace"):
        raise UsageError("ignore and replace cannot both be set")
    if arguments.flag("ignore"):
        there = next((secret for secret in secrets.list() if secret.name == name), None)
        if there is not None:
            context.print(there.id)
            return 0
    secret = secrets.store(
        name,
        _data(source, environment=arguments.flag("env")),
        driver=arguments.text("driver"),
        options=key_values(arguments.texts("driver-opts"), "driver option"),
        labels=key_values(arguments.texts("label"), bare=True),
        replace=arguments.flag("replace"),
    )
    context.print(secret.id)
    return 0


def _data(source: str, *, environment: bool) -> bytes:
    """The value, but no more of it than shows that it is too large. Raises InvalidArgument."""
    from rundlet.core.errors import InvalidArgument, UsageError
    from rundlet.core.secrets.api import LARGEST

    if environment:
        value = os.environb.get(os.fsencode(source))
        if value is None:
            raise InvalidArgument(
                f"cannot create store secret data: environment variable {source} is not set"
            )
        return value
    if source == "-":
        if sys.stdin.isatty():
            raise UsageError("if `-` is used, data must be passed into stdin")
        return sys.stdin.buffer.read(LARGEST)
    try:
        with open(source, "rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidArgument(f"open {source}: {reason}") from None
