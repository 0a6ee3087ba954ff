"""`rundlet container exists`: exit code 0 if a container exists (podman-container-exists(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="container exists",
    summary="Check if a container exists in local storage",
    usage="[options] CONTAINER",
    run="rundlet.cli.verbs.container_exists:run",
    options=(Flag("external", help="Check external storage containers as well as ours"),),
    arguments=Arguments(minimum=1, maximum=1, completes="containers"),
)


def run(context: Context, arguments: Parsed) -> int:
    """0 for yes, 1 for no."""
    from rundlet.core.errors import NoSuchContainer

    try:
        context.engine.containers.get(arguments.arguments[0])
    except NoSuchContainer:
        return 1
    return 0
