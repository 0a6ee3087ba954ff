"""`rundlet wait`: wait for containers and print their exit codes (podman-wait(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="wait",
    summary="Block until one or more containers stop, then print their exit codes",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.wait:run",
    options=(
        Option("condition", help="Condition to wait on", many=True, split=True),
        Flag("exit-first-match", help="End when the first container fulfils the condition"),
        Flag("ignore", help="Ignore errors when a specified container is missing"),
        Option("interval", "i", help="Time between looks; we are woken instead", default="250ms"),
        LATEST,
    ),
    arguments=Arguments(completes="containers"),
    examples=("rundlet wait web", "rundlet wait --condition running web"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print each exit code, -1 for a container that does not end by its condition."""
    from rundlet.core.errors import NoSuchContainer

    from ..selecting import chosen

    conditions = arguments.texts("condition") or ("stopped",)
    for name in chosen(context, arguments):
        try:
            code = context.engine.containers.wait(name, conditions)
        except NoSuchContainer:
            if not arguments.flag("ignore"):
                raise
            code = -1
        context.print(str(code))
        context.stdout.flush()
        if arguments.flag("exit-first-match"):
            break
    return 0
