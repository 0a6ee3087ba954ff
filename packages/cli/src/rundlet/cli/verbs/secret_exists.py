"""`rundlet secret exists`: exit code 0 if a secret exists (podman-secret-exists(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="secret exists",
    summary="Check if a secret exists in local storage",
    usage="SECRET",
    run="rundlet.cli.verbs.secret_exists:run",
    arguments=Arguments(minimum=1, maximum=1, completes="secrets"),
    examples=("rundlet secret exists mysecret",),
)


def run(context: Context, arguments: Parsed) -> int:
    """0 for yes, 1 for no."""
    return 0 if context.engine.secrets.find(arguments.arguments[0]) is not None else 1
