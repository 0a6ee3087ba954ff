"""`rundlet healthcheck run`: check a container now (podman-healthcheck-run(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="healthcheck run",
    summary="Run the health check of a container",
    usage="[options] CONTAINER",
    description="Runs the healthcheck of a running container. The exit code is 0 when it passed,"
    " 1 when it failed (the status is printed then) and 125 when it could not be run.",
    run="rundlet.cli.verbs.healthcheck_run:run",
    options=(Flag("ignore-result", help="Exit code 0 whatever the result is"),),
    arguments=Arguments(minimum=1, maximum=1, completes="running"),
    examples=("rundlet healthcheck run web",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Check once. Raises what the engine's check_health does."""
    status = context.engine.containers.check_health(arguments.arguments[0])
    if status == "healthy":
        return 0
    context.print(status)
    return 0 if arguments.flag("ignore-result") else 1
