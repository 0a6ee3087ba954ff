"""`rundlet secret rm`: remove secrets (podman-secret-rm(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="secret rm",
    summary="Remove one or more secrets",
    usage="[options] SECRET [SECRET...]",
    description="Removes secrets; running containers keep their copy.",
    run="rundlet.cli.verbs.secret_rm:run",
    options=(
        Flag("all", "a", help="Remove all secrets"),
        Flag("ignore", "i", help="Ignore errors when a specified secret is missing"),
    ),
    examples=("rundlet secret rm mysecret1 mysecret2",),
    arguments=Arguments(completes="secrets"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Remove each and print its id; an error does not keep the others."""
    from rundlet.core.errors import NoSuchSecret, RundletError, UsageError

    secrets, names = context.engine.secrets, arguments.arguments
    if arguments.flag("all") == bool(names):
        raise UsageError("`rundlet secret rm` requires one argument, or the --all flag")
    code = 0
    for name in names or [secret.id for secret in secrets.list()]:
        try:
            context.print(secrets.remove(name))
        except RundletError as error:
            if arguments.flag("ignore") and isinstance(error, NoSuchSecret):
                continue
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code
    return code
